"""Text to learn from: read from a person's files, cleaned, cut into documents, kept as Parquet."""
