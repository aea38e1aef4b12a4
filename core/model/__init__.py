"""The GPT: its configuration, the network, and the Hugging Face folder that it is kept in."""
