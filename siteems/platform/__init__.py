"""The page of a site in a browser, and the API that it uses: from the record, read-only."""
