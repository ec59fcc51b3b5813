"""The policy told a second time, in plain Python: what must become of a customer. No retainkit.

All times are whole hours after the first failure. News takes up to ten hours to arrive; the model
says five, and every story leaves so much room that the rest makes no difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field


RETRIES = (24, 72, 168)
STAGES = ((0, "payment_failed"), (168, "payment_failed"), (336, "last_notice"))
LIMITED, NOTICE, END = 168, 336, 504
SETTLES, NEWS = 84, 5
MARKS = (100, 200, 392, 640)


@dataclass(frozen=True)
class Story:
    """One customer: a card, from when it pays, when the failure is told, and one thing they do."""

    card: str
    pays_from: int = 10**6
    told: int = NEWS
    act: str = ""
    act_at: int = 0


@dataclass
class Fate:
    """What must be true in the end; tries are those of the product, not the provider's first."""

    end: str = "none"
    tries: int = 0
    messages: list[str] = field(default_factory=list)
    access: dict[int, str] = field(default_factory=dict)


class _Life:
    """One invoice under the policy, from its first failure to its end."""

    def __init__(self, told: Story) -> None:
        self.story, self.fate = told, Fate()
        self.case, self.invoice = "none", "open"
        self.opened, self.closed, self.announced, self.pending_until = 0, 0, 0, 0
        self.card, self.last = (told.card, 1), (told.card, 1)  # charged next, and declined last
        self.rungs, self.stages, self.unknown_tries = 0, 0, 0
        self.owed = self.cancelled = False
        self.dead, self.asked = {1} if told.card == "hard" else set[int](), set[int]()

    def must_act(self) -> bool:
        if self.card[1] in self.dead or self.owed or self.last != self.card:
            return self.card[1] in self.dead
        return self.last[0] == "action" or (self.last[0] == "unknown" and self.unknown_tries > 0)

    def next_try(self) -> int | None:
        if self.cancelled or self.must_act() or self.pending_until:
            return None
        return 0 if self.owed else next(iter(RETRIES[self.rungs :]), None)

    def end_due(self) -> int:
        return max(END, self.announced + END - NOTICE)

    def pays(self, at: int) -> bool:
        return self.card[0] == "good" or (self.card[1] == 1 and at >= self.story.pays_from)

    def charge(self, now: int) -> None:
        """Try once; the steps of the ladder that were missed are used up with it."""
        self.rungs = max(self.rungs, sum(rung <= now for rung in RETRIES))
        self.unknown_tries += self.last[0] == "unknown" and not self.owed
        self.owed = False
        self.fate.tries += 1
        if self.card[0] == "debit":
            self.pending_until = now + SETTLES + NEWS
        elif self.pays(now):
            self.invoice = "paid"
        else:
            self.last = self.card
            self.dead |= {self.card[1]} if self.card[0] == "hard" else set()

    def write(self, now: int) -> None:
        due = [stage for stage in STAGES[self.stages :] if stage[0] <= now]
        if due:
            self.stages += len(due)
            self.announced = now if due[-1][0] == NOTICE else self.announced
            self.fate.messages.append(due[-1][1])
        elif self.must_act() and self.last[1] not in self.asked:
            self.fate.messages.append("payment_failed")
        self.asked |= {self.last[1]} if self.must_act() else set()

    def act(self, now: int) -> None:
        """Everything that is due now, in the policy's order: try, write, end."""
        while self.invoice == "open" and not self.pending_until:
            due = self.next_try()
            if due is None or due > now:
                break
            self.charge(now)
        if self.invoice == "open" and not self.pending_until:
            self.write(now)
            if self.end_due() <= now:
                self.invoice = "exhausted" if self.cancelled else "cancelled"
        if self.invoice != "open":
            self.case, self.closed, self.fate.end = "closed", now, self.invoice

    def hear(self, news: str, now: int) -> None:
        """Something becomes known."""
        if news in ("pay", "void"):
            self.invoice = {"pay": "paid"}.get(news, news)
        elif news == "cancel":
            self.cancelled = True
        elif news in ("good", "soft", "hard"):
            self.card, self.owed, self.unknown_tries = (news, 2), True, 0
        elif news == "settled":
            self.pending_until = 0
            self.invoice = "paid" if self.pays(now - NEWS - SETTLES) else "open"
        elif news == "told" and self.invoice == "open":
            self.case, self.opened = "open", now

    def next_news(self, now: int, news: list[tuple[int, str]]) -> list[tuple[int, str]]:
        if self.case != "open":
            return news
        if self.pending_until:
            return [*news, (self.pending_until, "settled")]
        stage = next(iter(STAGES[self.stages :]), (self.end_due(),))[0]
        times = (self.next_try(), stage)
        return [*news, *((max(now, at), "due") for at in times if at is not None)]

    def run(self) -> Fate:
        told, now = self.story, 0
        news = [(SETTLES + NEWS if told.card == "debit" else told.told, "told")]
        news = [] if told.card == "good" else news
        news += [(told.act_at + NEWS, told.act)] if told.act else []
        while coming := self.next_news(now, news):
            now, what = min(coming)
            news = [each for each in news if each != (now, what)]
            self.hear(what, now)
            if self.case == "open":
                self.act(now)
        for mark in MARKS:
            taken = self.opened and max(self.opened, LIMITED) <= mark < self.closed
            self.fate.access[mark] = "limited" if taken else "full"
        return self.fate


def foretell(told: Story) -> Fate:
    """What must become of the customer."""
    return _Life(told).run()
