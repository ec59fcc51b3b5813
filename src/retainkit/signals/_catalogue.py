"""Early warnings ready to use: signals of events with standard names; take what you send.

A host that records these events has the signals by deriving its class from one of these, or from
`EarlyWarnings`; what it records under other names it declares itself, in the same way.
"""

# ruff: noqa: PLR2004 - thresholds are what this file is about

from __future__ import annotations

from collections.abc import Mapping

from retainkit.rules import (
    Condition,
    Duration,
    Number,
    Remedy,
    RemedyKind,
    Signals,
    Time,
    all_of,
    any_of,
    anything,
    days,
    event,
    share,
)


_signs = anything(but=("invoice.*", "payment.*", "message.*", "term.*"))
_opened, _closed = event("ticket.opened"), event("ticket.closed")
_replied = event("ticket.replied")
_rated = event("ticket.rated")
_tickets = _opened.until(_closed, by="ticket", within=days(365))
_people = event("contact.joined").until(event("contact.left"), by="contact")
_champions = event("contact.joined", {"role": "champion"}).until(
    event("contact.left"), by="contact"
)
_seats = event("seat.assigned").until(event("seat.removed"), by="user")
_used = event("feature.used")


class UsageSignals(Signals):
    """
    What is used, by whom and how regularly: of ``feature.used`` {user, feature, role}.

    Seats are assigned and removed by ``seat.assigned`` and ``seat.removed`` {user}; how many are
    paid, the host sets as ``paid_seats``.
    """

    paid_seats: Number = Number(unit="seats", doc="Seats that the customer pays for.")
    usage_28d: Number = (
        _used.count(days(28))
        .counting("uses")
        .about(
            "Uses of any feature in 28 days.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="usage-check-in"),
        )
    )
    usage_trend: Number = _used.trend(days(28), minimum=20).about(
        "Use in the 28 days until yesterday against the 28 before: -0.3 is a fall by 30 %. "
        "Unknown below 20 uses in the 28 days before.",
        remedy=Remedy(kind=RemedyKind.CALL, ref="usage-check-in"),
    )
    usage_trend_14d: Number = _used.trend(days(14), minimum=10).about(
        "Use in the 14 days until yesterday against the 14 before: whether it still falls. "
        "Unknown below 10 uses in the 14 days before.",
        remedy=Remedy(kind=RemedyKind.CALL, ref="usage-check-in"),
    )
    user_trend: Number = (
        _used.distinct("user")
        .trend(days(28), minimum=3)
        .about(
            "Active people in the 28 days until yesterday against the 28 before; unknown below 3.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="usage-check-in"),
        )
    )
    active_seats: Number = (
        _used.distinct("user")
        .count(days(28))
        .counting("seats")
        .about(
            "People who used anything in 28 days.",
            remedy=Remedy(kind=RemedyKind.TUTORIAL, ref="invite-your-team"),
        )
    )
    breadth: Number = share(active_seats, of=paid_seats).about(
        "Active people as a share of the paid seats.",
        remedy=Remedy(kind=RemedyKind.TUTORIAL, ref="invite-your-team"),
    )
    unused_seats: Number = (
        _seats.silent(days(28), touched=_used)
        .counting("seats")
        .about(
            "Seats that were given to somebody who has used nothing for 28 days.",
            remedy=Remedy(kind=RemedyKind.TUTORIAL, ref="first-steps"),
        )
    )
    active_days: Number = _used.active_days(days(28)).about(
        "Days of the last 28 on which anything was used.",
        remedy=Remedy(kind=RemedyKind.TUTORIAL, ref="daily-routine"),
    )
    first_used_at: Time = _used.first(missing="never").about(
        "When anything was used first.",
        remedy=Remedy(kind=RemedyKind.TUTORIAL, ref="first-steps"),
    )
    last_used_at: Time = _used.last(missing="never").about(
        "When anything was used last.",
        remedy=Remedy(kind=RemedyKind.CALL, ref="usage-check-in"),
    )
    last_sign_at: Time = _signs.last().about(
        "The last sign of life of any kind; invoices, payments, messages and terms are none.",
        remedy=Remedy(kind=RemedyKind.CALL, ref="silent-customer"),
    )
    signs_21d: Number = (
        _signs.count(days(21))
        .counting("signs")
        .about(
            "Signs of life of any kind in 21 days, of everybody who is known for so long.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="silent-customer"),
        )
    )
    limit_hits_30d: Number = (
        event("limit.reached")
        .count(days(30))
        .counting("hits")
        .about(
            "How often a limit of the plan was reached in 30 days: `limit.reached` {limit}.",
            remedy=Remedy(kind=RemedyKind.CONFIGURATION, ref="plan-that-fits"),
        )
    )


class SupportSignals(Signals):
    """
    Tickets: ``ticket.opened``, ``ticket.replied`` (we answered), ``ticket.closed`` and
    ``ticket.rated`` {score}, each with {ticket, topic}; what went wrong in the product,
    ``error.occurred`` {code}, and what is missing in it, ``feature.requested`` {feature}.
    """

    tickets_30d: Number = (
        _opened.count(days(30)).counting("tickets").about("Tickets opened in 30 days.")
    )
    same_topic_tickets_30d: Number = (
        _opened.count(days(30), same="topic")
        .counting("tickets")
        .about(
            "Tickets of the topic that came most often in 30 days: one problem that stays.",
            remedy=Remedy(kind=RemedyKind.TASK, ref="fix-the-cause"),
        )
    )
    backlog: Number = (
        _tickets.count()
        .counting("tickets")
        .about(
            "Tickets of the last year that are open.",
            remedy=Remedy(kind=RemedyKind.TASK, ref="clear-the-backlog"),
        )
    )
    oldest_ticket_at: Time = _tickets.oldest().about(
        "When the oldest open ticket was opened.",
        remedy=Remedy(kind=RemedyKind.TASK, ref="clear-the-backlog"),
    )
    silent_tickets: Number = (
        _tickets.silent(days(5), touched=_replied)
        .counting("tickets")
        .about(
            "Open tickets that we have not answered, or answered last 5 days ago.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="unblocking-call"),
        )
    )
    first_response_90d: Duration = _opened.elapsed(_replied, by="ticket", within=days(90)).about(
        "Median time to our first answer, of tickets of 90 days that have one.",
        remedy=Remedy(kind=RemedyKind.TASK, ref="answer-sooner"),
    )
    resolution_90d: Duration = _opened.elapsed(_closed, by="ticket", within=days(90)).about(
        "Median time to close a ticket, of tickets of 90 days that are closed.",
        remedy=Remedy(kind=RemedyKind.TASK, ref="clear-the-backlog"),
    )
    satisfaction: Number = _rated.latest("score").about(
        "The latest score of a ticket.",
        remedy=Remedy(kind=RemedyKind.CALL, ref="unblocking-call"),
    )
    satisfaction_90d: Number = _rated.mean("score", days(90), minimum=3).about(
        "Mean score of tickets in 90 days; unknown below 3.",
        remedy=Remedy(kind=RemedyKind.CALL, ref="unblocking-call"),
    )
    satisfaction_change: Number = _rated.change("score", days(180)).about(
        "The latest score against the one before: a fall is below zero, a recovery above.",
        remedy=Remedy(kind=RemedyKind.CALL, ref="unblocking-call"),
    )
    same_code_errors_14d: Number = (
        event("error.occurred")
        .count(days(14), same="code")
        .counting("errors")
        .about(
            "Errors of the code that came most often in 14 days: one problem that nobody reports.",
            remedy=Remedy(kind=RemedyKind.TASK, ref="fix-the-cause"),
        )
    )
    feature_requests_90d: Number = (
        event("feature.requested")
        .distinct("feature")
        .count(days(90))
        .counting("features")
        .about(
            "Features that were asked for in 90 days, each once.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="roadmap-talk"),
        )
    )
    repeat_contacts_90d: Number = (
        _opened.again(after=_closed, by="topic", gap=days(14), within=days(90))
        .counting("tickets")
        .about(
            "Tickets of 90 days on a topic that was closed at most 14 days before.",
            remedy=Remedy(kind=RemedyKind.TASK, ref="fix-the-cause"),
        )
    )
    tickets_90d: Number = (
        _opened.count(days(90)).counting("tickets").about("Tickets opened in 90 days.")
    )
    repeat_contact_rate_90d: Number = share(repeat_contacts_90d, of=tickets_90d, minimum=3).about(
        "Repeated contacts as a share of the tickets of 90 days; unknown below 3.",
        remedy=Remedy(kind=RemedyKind.TASK, ref="fix-the-cause"),
    )


class PeopleSignals(Signals):
    """
    Who is there and what they say: ``contact.joined`` {contact, role}, ``contact.left`` {contact,
    role}, ``nps.answered`` {score, user}, ``competitor.evaluated`` {competitor},
    ``engagement.attended`` {programme, kind}.
    """

    stakeholders: Number = (
        _people.count()
        .counting("people")
        .about(
            "People of the customer that we know; unknown when nobody was ever told.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="meet-the-team"),
        )
    )
    first_contact_at: Time = (
        event("contact.joined").first().about("When we were told of the first of these people.")
    )
    champion_left_at: Time = (
        event("contact.left", {"role": "champion"})
        .last()
        .about(
            "When a champion left last.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="new-champion"),
        )
    )
    champions: Number = (
        _champions.count()
        .counting("people")
        .about(
            "Champions who joined and have not left; unknown when none was ever told.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="new-champion"),
        )
    )
    nps: Number = (
        event("nps.answered")
        .latest("score")
        .about(
            "The latest answer to the recommendation question, 0 to 10.",
            fresh_for=days(365),
            remedy=Remedy(kind=RemedyKind.CALL, ref="unhappy-customer"),
        )
    )
    nps_change: Number = (
        event("nps.answered")
        .change("score", days(365), same="user")
        .about(
            "The latest answer against the same person's one before.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="unhappy-customer"),
        )
    )
    competitor_evaluated_at: Time = (
        event("competitor.evaluated")
        .last()
        .about(
            "When we last heard that a competitor is looked at.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="competitor-evaluation"),
        )
    )
    programmes_90d: Number = (
        event("engagement.attended")
        .distinct("programme")
        .count(days(90))
        .counting("programmes")
        .about("Webinars, courses and meetings attended in 90 days, each programme once.")
    )
    engagement_365d: Number = (
        event("engagement.attended")
        .count(days(365))
        .counting("visits")
        .about("How often anything of our programmes was attended in a year.")
    )


class ContractSignals(Signals):
    """
    Money and terms: ``payment.failed`` as dunning records it, ``term.started`` {ends_at: ISO
    8601 with a zone}.
    """

    failed_payments_30d: Number = (
        event("payment.failed")
        .count(days(30))
        .counting("failures")
        .about(
            "Tries to collect that failed in 30 days.",
            remedy=Remedy(kind=RemedyKind.MESSAGE, ref="payment_failed"),
        )
    )
    unpaid_invoices_30d: Number = (
        event("payment.failed")
        .distinct("invoice")
        .count(days(30))
        .counting("invoices")
        .about(
            "Invoices with a failed try in 30 days.",
            remedy=Remedy(kind=RemedyKind.MESSAGE, ref="payment_failed"),
        )
    )
    term_started_at: Time = event("term.started").last().about("When the running term began.")
    term_ends_at: Time = (
        event("term.started")
        .latest_time("ends_at")
        .about(
            "When the running term ends.",
            remedy=Remedy(kind=RemedyKind.CALL, ref="renewal-talk"),
        )
    )


class EarlyWarnings(UsageSignals, SupportSignals, PeopleSignals, ContractSignals):
    """
    All the ready signals in one class; derive yours from it, or from those that you send.

    What they mean for one customer, `early_warnings` says as conditions.
    """


def early_warnings() -> Mapping[str, Condition]:
    """
    Ready conditions over `EarlyWarnings`, to be taken as segments or in rules.

    Thresholds are starting points: back-test them on your own history.
    """
    w = EarlyWarnings
    return {
        # Not the four weeks alone: a holiday stays in them for weeks after it is over.
        "falling_use": all_of(w.usage_trend <= -0.25, w.usage_trend_14d <= -0.05),
        # Less in four weeks than in the four before, and more again in the last two.
        "use_resumed": all_of(w.usage_trend <= -0.25, w.usage_trend_14d >= 0.25),
        "sold_but_unused": all_of(
            w.term_started_at.more_than_ago(days(30)), w.last_used_at < w.term_started_at
        ),
        # The deadest customer never gave a sign that could be long ago.
        "silent": any_of(
            w.last_sign_at.more_than_ago(days(21)),
            all_of(w.last_sign_at.missing(), w.signs_21d.eq(0)),
        ),
        # Who has just begun has not invited everybody yet; who never began is no exception.
        "narrow_use": all_of(w.breadth < 0.3, w.first_used_at.more_than_ago(days(28))),
        "passive_seats": w.unused_seats >= 3,
        "failing_payments": w.failed_payments_30d >= 2,
        "silent_backlog": w.silent_tickets >= 1,
        "one_problem_stays": w.same_topic_tickets_30d >= 3,
        "one_error_stays": w.same_code_errors_14d >= 10,
        "features_missing": w.feature_requests_90d >= 3,
        "unhappy_with_support": any_of(w.satisfaction_90d < 3, w.satisfaction_change <= -2),
        "satisfaction_recovered": w.satisfaction_change >= 2,
        "champion_left": all_of(w.champion_left_at.less_than_ago(days(90)), w.champions.eq(0)),
        "few_stakeholders": all_of(w.stakeholders < 3, w.first_contact_at.more_than_ago(days(28))),
        "nps_fell": w.nps_change <= -2,
        "nps_recovered": w.nps_change >= 2,
        "competitor_evaluated": w.competitor_evaluated_at.less_than_ago(days(60)),
        "plan_limit_reached": w.limit_hits_30d >= 3,
        "term_ends_soon": w.term_ends_at.less_than_ahead(days(90)),
    }
