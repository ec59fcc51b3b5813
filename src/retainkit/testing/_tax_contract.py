"""What every tax provider's adapter must keep to, as tests a third party runs over its own."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pytest
from attrs import evolve

from retainkit.billing.tax import QuoteState, TaxBehavior, TaxRequest
from retainkit.errors import InvalidInput, Refused
from retainkit.money import compare, total
from retainkit.taxes import FilingState, TaxProvider


class TaxWorld(ABC):
    """
    The provider's side of a test: who moves it is not the adapter.

    Subclass it for your provider, and give it to the contract by the fixture ``world``.
    """

    @property
    @abstractmethod
    def provider(self) -> TaxProvider:
        """The adapter."""

    @property
    @abstractmethod
    def taxed(self) -> TaxRequest:
        """A request of two lines or more that bears tax there."""

    @property
    @abstractmethod
    def unknown(self) -> TaxRequest:
        """A request whose tax the provider does not know."""

    @abstractmethod
    def outage(self) -> None:
        """Let the provider's next answer fail to come."""


class TaxProviderContract:
    """Subclass it in your tests, with a fixture ``world`` that gives a `TaxWorld`."""

    @pytest.fixture
    def world(self) -> TaxWorld:
        """Your provider, in a state of its own for each test."""
        raise NotImplementedError

    def test_a_known_tax_has_every_line_in_order(self, world: TaxWorld) -> None:
        """Whoever shows the quote needs no second list to find the lines."""
        quote = world.provider.quote(world.taxed)
        assert quote.state is QuoteState.OK
        assert [line.id for line in quote.lines] == [line.id for line in world.taxed.lines]
        assert quote.reference is not None

    def test_net_and_tax_make_gross(self, world: TaxWorld) -> None:
        """On each line, and of all lines together."""
        quote = world.provider.quote(world.taxed)
        currency = world.taxed.currency
        for line in quote.lines:
            assert total((line.net, line.tax), currency) == line.gross
        assert quote.total_tax == total((line.tax for line in quote.lines), currency)
        assert quote.total_gross == total((line.gross for line in quote.lines), currency)
        assert quote.total_tax.amount > 0

    @pytest.mark.parametrize("behavior", list(TaxBehavior))
    def test_the_price_stays_what_was_agreed(self, world: TaxWorld, behavior: TaxBehavior) -> None:
        """A net price keeps its net amount, a gross one its gross."""
        lines = tuple(evolve(line, behavior=behavior) for line in world.taxed.lines)
        quote = world.provider.quote(evolve(world.taxed, lines=lines))
        for asked, line in zip(lines, quote.lines, strict=True):
            kept = line.gross if behavior is TaxBehavior.INCLUSIVE else line.net
            assert compare(kept, asked.amount) == 0

    def test_what_it_does_not_know_is_no_zero(self, world: TaxWorld) -> None:
        """Unknown tax has a reason and no total."""
        quote = world.provider.quote(world.unknown)
        assert quote.state is QuoteState.UNKNOWN
        assert quote.findings
        with pytest.raises(Refused):
            _ = quote.total_tax

    def test_an_outage_is_no_error_and_no_zero(self, world: TaxWorld) -> None:
        """What may pass is told by the state, so that the invoice can wait."""
        world.outage()
        quote = world.provider.quote(world.taxed)
        assert quote.state is not QuoteState.OK
        assert quote.findings

    def test_a_sale_is_reported_once(self, world: TaxWorld) -> None:
        """The same reference again is the same report."""
        quote = world.provider.quote(world.taxed)
        first = world.provider.commit(quote, reference="INV-1")
        again = world.provider.commit(quote, reference="INV-1")
        assert first.state is FilingState.FILED
        assert first.id is not None
        assert again == first

    def test_a_report_that_may_be_lost_is_unknown(self, world: TaxWorld) -> None:
        """Then the same reference finds out."""
        quote = world.provider.quote(world.taxed)
        world.outage()
        lost = world.provider.commit(quote, reference="INV-2")
        assert lost.state is FilingState.UNKNOWN
        assert lost.findings

    def test_a_sale_is_taken_back_once(self, world: TaxWorld) -> None:
        """With a reference of its own; twice is once."""
        quote = world.provider.quote(world.taxed)
        filed = world.provider.commit(quote, reference="INV-3")
        voided = world.provider.void(filed, reference="CN-3")
        assert voided.state is FilingState.VOIDED
        assert world.provider.void(filed, reference="CN-3") == voided

    def test_an_unknown_tax_is_not_reported(self, world: TaxWorld) -> None:
        """A return of guesses helps nobody."""
        quote = world.provider.quote(world.unknown)
        with pytest.raises(InvalidInput) as caught:
            world.provider.commit(quote, reference="INV-4")
        assert caught.value.code == "tax.quote_not_known"
        assert caught.value.field == "quote"
        assert caught.value.value == QuoteState.UNKNOWN.value
        assert caught.value.remedy

    def test_a_lost_report_is_not_taken_back(self, world: TaxWorld) -> None:
        """It has to be found first."""
        quote = world.provider.quote(world.taxed)
        filed = world.provider.commit(quote, reference="INV-5")
        with pytest.raises(InvalidInput) as caught:
            world.provider.void(evolve(filed, id=None), reference="CN-5")
        assert caught.value.code == "tax.not_filed"
        assert caught.value.field == "filing"
        assert caught.value.value == "INV-5"
        assert caught.value.remedy
