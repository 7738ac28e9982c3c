"""Files elsewhere: whatever fsspec reaches by a URL (s3://, gs://, az://, https://, file://, memory://).

urls.py      a URL opened, and what goes wrong with it in one sentence
fetching.py  files of pairs from a URL, kept by content
publishing.py  a finished folder copied to a URL, its record last
"""
