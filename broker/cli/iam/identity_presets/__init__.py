"""Rules for platforms whose tokens are known. A preset writes the rules; nothing else knows it."""
