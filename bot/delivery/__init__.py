"""Delivery to Discord that must not get lost: posts in the audit channel, and replies not accepted yet."""
