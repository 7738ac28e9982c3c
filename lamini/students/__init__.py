"""Students: where their tokenizers and weights come from, their two architectures, and their export."""
