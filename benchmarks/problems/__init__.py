"""The problems that are solved: S1, which every peer can express, and rolling site windows."""
