"""What do the demo's agents know? A small shop: its orders in a real SQL engine, its help pages as text."""

from __future__ import annotations

import json
import sqlite3
from typing import Final, NamedTuple

from embedded.demo.vectors import embed, nearest


class Page(NamedTuple):
    """A help page."""

    id: str
    text: str


PAGES: Final = (
    Page("returns", "Returns are free within 30 days. Headphones can be returned while their pads are sealed."),
    Page("refunds", "A refund reaches the card within five working days after the warehouse has the parcel."),
    Page("shipping", "Standard shipping takes two to four days, express shipping arrives on the next working day."),
    Page("customs", "Outside the European Union customs duties are paid by the customer and aren't refunded."),
    Page("warranty", "Every device has a two-year warranty. Water damage isn't covered by the warranty."),
    Page("repair", "A repair takes about a week; the customer gets a loan device for the time of the repair."),
    Page("battery", "Batteries lose capacity in the cold. Replace one that holds less than 70 % of it."),
    Page("invoices", "Invoices are sent by e-mail; a company can add its VAT number to an invoice afterwards."),
    Page("payment", "Payment by card, direct debit or invoice; a declined card can be retried after an hour."),
    Page("gift-cards", "Gift cards don't expire, can't be paid out, and can be combined with a voucher."),
    Page("account", "An account is deleted within 24 hours of a request; invoices are kept for ten years."),
    Page("trade-in", "Old devices are taken in trade: the price is quoted online and holds for 14 days."),
)

_SCHEMA: Final = """
    CREATE TABLE orders (id TEXT PRIMARY KEY, customer TEXT, item TEXT, status TEXT, carrier TEXT, eta_days INTEGER);
    CREATE TABLE customers (name TEXT PRIMARY KEY, tier TEXT, orders INTEGER);
"""
_ITEMS: Final = ("headphones", "e-reader", "smart scale", "desk lamp", "drone", "espresso machine")
_STATUS: Final = ("paid", "packed", "in transit", "delivered", "returned")
_CARRIERS: Final = ("DHL", "UPS", "Hermes", "La Poste")
CUSTOMERS: Final = ("ada", "björn", "chen", "dalia", "emeka", "fatima", "goran", "hana")
ORDERS: Final = tuple(f"TM-{1000 + 7 * number}" for number in range(60))


class Shop:
    """Orders and help pages; used by one thread at a time."""

    def __init__(self) -> None:
        self._orders = sqlite3.connect(":memory:", check_same_thread=False)
        self._orders.executescript(_SCHEMA)
        self._orders.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", map(_order, range(len(ORDERS))))
        self._orders.executemany("INSERT INTO customers VALUES (?, ?, ?)", map(_customer, range(len(CUSTOMERS))))
        self._pages = [embed(page.text) for page in PAGES]

    def sql(self, query: str) -> str:
        """The rows of a query as JSON.

        Raises:
            sqlite3.Error: the query can't be run.
        """
        cursor = self._orders.execute(query)
        names = [column[0] for column in cursor.description]
        return json.dumps([dict(zip(names, row, strict=True)) for row in cursor.fetchmany(20)])

    def search(self, query: str) -> str:
        """The two help pages that share most words with the query, as text."""
        return "\n".join(PAGES[place].text for place, _ in nearest(embed(query), self._pages, 2))

    def close(self) -> None:
        """Forget everything."""
        self._orders.close()


def _order(number: int) -> tuple[str, str, str, str, str, int]:
    return (
        ORDERS[number],
        CUSTOMERS[number % len(CUSTOMERS)],
        _ITEMS[number % len(_ITEMS)],
        _STATUS[number % len(_STATUS)],
        _CARRIERS[number % len(_CARRIERS)],
        number % 6,
    )


def _customer(number: int) -> tuple[str, str, int]:
    return CUSTOMERS[number], ("basic", "plus", "business")[number % 3], 3 + number
