"""Open calls: the cache, the search for autocomplete, and the CAD's webhook posts."""
