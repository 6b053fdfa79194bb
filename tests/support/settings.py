"""Valid settings, for tests that make one of them invalid."""

from __future__ import annotations

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.planted-discord-token-aaaaaaaaaaaaaaa"
KEY = "planted-cad-key-0123456789"
ROLE, GUILD = "100000000000000001", "100000000000000002"
GOOD = {"DISCORD_TOKEN": TOKEN, "SONORAN_COMMUNITY_ID": "ours", "SONORAN_API_KEY": KEY, "DISPATCHER_ROLE_IDS": ROLE}
