"""What the back office's own pages show: the front page, the search over everything."""

from apps.backoffice.selectors.books import BooksNow, books_now, make_books
from apps.backoffice.selectors.home import Home, home
from apps.backoffice.selectors.person import Person, person
from apps.backoffice.selectors.search import Found, search

__all__ = ["BooksNow", "Found", "Home", "Person", "books_now", "home", "make_books", "person", "search"]
