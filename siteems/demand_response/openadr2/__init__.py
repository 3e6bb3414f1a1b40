"""OpenADR 2.0b: this site as a VEN, through the library `openleadr` (extra `openadr2`)."""
