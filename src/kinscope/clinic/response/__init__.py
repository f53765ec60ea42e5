"""Response criteria as data, and the calls made by them."""
