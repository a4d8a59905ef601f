"""The notebook around the code: which cell runs, what it shows, how it is interrupted."""
