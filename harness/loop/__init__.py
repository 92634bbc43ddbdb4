"""A deterministic asyncio event loop, which asks a scheduler for every choice. Standard library only."""
