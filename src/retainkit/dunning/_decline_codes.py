"""The table of decline codes; data only, loaded with the first decline. How to read it: _declines.

Facts taken from the pages in ``SOURCES``, which are public; no page's text is copied, and the
classification is retainkit's own (MIT, like the rest). Where the sources differ about a rule of
the card networks (Visa 03, 14, 62, 78, 93), the strict side stands here. A tenant's policy may
override any row.
"""

from __future__ import annotations


SOURCES = (
    "https://github.com/stripe/stripe-python (stripe/_charge.py, Outcome.advice_code)",
    "https://docs.stripe.com/billing/revenue-recovery/smart-retries#non-retryable-decline-codes",
    "https://docs.stripe.com/declines/codes",
    "https://support.stripe.com/questions/payment-blocked-due-to-excessive-retries",
    (
        "https://support.checkout.com/hc/en-us/articles/25482040901394-When-can-I-retry-a"
        "-declined-transaction"
    ),
    "https://developers.getevolved.com/enterprise/docs/visas-processing-integrity-fee-program",
    (
        "https://support.forte.net/support/solutions/articles/11000097635-visa-decline-re"
        "sponse-code-rules-and-integrity-fees"
    ),
    "https://retries.com/guides/visa-decline-categories",
    (
        "https://developer.paypal.com/braintree/docs/reference/general/merchant-responses"
        "/merchant-advice-codes"
    ),
    (
        "https://docs.everonet.com/en-us/gateway/developer-portal/appendix/mastercard-mer"
        "chant-advice-code"
    ),
    "https://docs.solidgate.com/payments/payments-insights/merchant-advice-codes/",
    (
        "https://www.bankfivenine.com/business/cash-management/ach-origination/ach-user-i"
        "nformation/reinitiating-returned-ach-debit-items/"
    ),
    (
        "http://www.vacul.org/Compliance/News-CompliancePro-Blog/When-ACH-Debit-Entries-A"
        "re-Returned-Unpaid-Can-They-Be-Resubmitted"
    ),
    "https://www.increase.com/documentation/ach-returns.md",
    "https://apidocs.paynearme.com/devdocs/docs/ach-return-codes",
    "https://documentation.lemonway.com/v8.2/reference/sepa-error-codes",
    "https://developer.gocardless.com/mandates/responding-to-mandate-events/",
    "https://docs.acquired.com/docs/retrying-declined-direct-debits",
    "https://modulr.readme.io/docs/webhook-direct-debit-unpaid-collection",
)
"""Where the facts of a row come from; read in November 2026."""

# scheme, code, class, hours to wait before a retry, what the customer may be told, source
ROWS = """
stripe_advice do_not_try_again hard 0 generic 0
stripe_advice try_again_later soft 0 generic 0
stripe_advice confirm_card_data needs_customer_action 0 card_problem 0
stripe authentication_required needs_customer_action 0 needs_authentication 1
stripe authentication_not_handled needs_customer_action 0 needs_authentication 2
stripe mobile_device_authentication_required needs_customer_action 0 needs_authentication 2
stripe approve_with_id soft 0 generic 2
stripe call_issuer needs_customer_action 0 generic 2
stripe card_not_supported hard 0 card_problem 2
stripe card_velocity_exceeded soft 24 generic 2
stripe currency_not_supported hard 0 card_problem 2
stripe do_not_honor soft 0 generic 2
stripe do_not_try_again hard 0 generic 2
stripe duplicate_transaction needs_customer_action 0 generic 2
stripe expired_card needs_customer_action 0 expired_card 2
stripe fraudulent hard 0 generic 2
stripe generic_decline soft 0 generic 2
stripe highest_risk_level hard 0 generic 1
stripe incorrect_address needs_customer_action 0 card_problem 2
stripe incorrect_cvc needs_customer_action 0 card_problem 2
stripe incorrect_number hard 0 card_problem 1
stripe incorrect_pin needs_customer_action 0 card_problem 2
stripe incorrect_zip needs_customer_action 0 card_problem 2
stripe insufficient_funds soft 0 insufficient_funds 2
stripe invalid_account hard 0 generic 2
stripe invalid_amount needs_customer_action 0 generic 2
stripe invalid_cvc needs_customer_action 0 card_problem 2
stripe invalid_expiry_month needs_customer_action 0 card_problem 2
stripe invalid_expiry_year needs_customer_action 0 card_problem 2
stripe invalid_number needs_customer_action 0 card_problem 2
stripe invalid_pin needs_customer_action 0 card_problem 2
stripe issuer_not_available soft 0 bank_problem 2
stripe lost_card hard 0 generic 1
stripe merchant_blacklist hard 0 generic 2
stripe new_account_information_available needs_customer_action 0 card_problem 2
stripe no_action_taken needs_customer_action 0 generic 2
stripe not_permitted hard 0 generic 2
stripe offline_pin_required needs_customer_action 0 card_problem 2
stripe online_or_offline_pin_required needs_customer_action 0 card_problem 2
stripe pickup_card hard 0 generic 1
stripe pin_try_exceeded needs_customer_action 0 card_problem 2
stripe previously_declined_do_not_retry hard 0 generic 3
stripe processing_error soft 0 bank_problem 2
stripe reenter_transaction soft 0 bank_problem 2
stripe restricted_card hard 0 generic 2
stripe revocation_of_all_authorizations hard 0 generic 1
stripe revocation_of_authorization hard 0 generic 1
stripe security_violation hard 0 generic 2
stripe service_not_allowed needs_customer_action 0 generic 2
stripe stolen_card hard 0 generic 1
stripe stop_payment_order hard 0 generic 2
stripe testmode_decline needs_customer_action 0 generic 2
stripe transaction_not_allowed hard 0 generic 1
stripe try_again_later soft 0 generic 2
stripe withdrawal_count_limit_exceeded soft 24 generic 2
visa 04 hard 0 generic 4
visa 07 hard 0 generic 4
visa 41 hard 0 generic 4
visa 43 hard 0 generic 4
visa 46 hard 0 generic 4
visa 15 hard 0 generic 4
visa 12 hard 0 generic 5
visa 57 hard 0 generic 5
visa R0 hard 0 generic 5
visa R1 hard 0 generic 5
visa R3 hard 0 generic 5
visa 14 hard 0 card_problem 6
visa 03 hard 0 generic 6
visa 62 hard 0 generic 6
visa 78 hard 0 generic 6
visa 93 hard 0 generic 6
visa 19 soft 0 bank_problem 6
visa 51 soft 0 insufficient_funds 6
visa 59 soft 0 generic 6
visa 61 soft 0 generic 6
visa 65 soft 0 generic 6
visa 75 soft 0 card_problem 6
visa 86 soft 0 bank_problem 6
visa 91 soft 0 bank_problem 6
visa 96 soft 0 bank_problem 6
visa N3 soft 0 generic 6
visa N4 soft 0 generic 6
visa 54 needs_customer_action 0 expired_card 6
visa 55 needs_customer_action 0 card_problem 6
visa 82 needs_customer_action 0 card_problem 6
visa N7 needs_customer_action 0 card_problem 6
visa 1A needs_customer_action 0 needs_authentication 6
visa 05 soft 0 generic 7
mastercard_mac 01 needs_customer_action 0 card_problem 8
mastercard_mac 02 soft 72 generic 9
mastercard_mac 03 hard 0 generic 8
mastercard_mac 04 needs_customer_action 0 card_problem 8
mastercard_mac 21 hard 0 generic 8
mastercard_mac 22 needs_customer_action 0 generic 10
mastercard_mac 24 soft 1 insufficient_funds 8
mastercard_mac 25 soft 24 insufficient_funds 8
mastercard_mac 26 soft 48 insufficient_funds 8
mastercard_mac 27 soft 96 insufficient_funds 8
mastercard_mac 28 soft 144 insufficient_funds 8
mastercard_mac 29 soft 192 insufficient_funds 8
mastercard_mac 30 soft 240 insufficient_funds 8
mastercard_mac 40 needs_customer_action 0 card_problem 8
mastercard_mac 41 needs_customer_action 0 card_problem 8
mastercard_mac 43 soft 0 generic 8
ach R01 soft 0 insufficient_funds 11
ach R09 soft 0 insufficient_funds 11
ach R08 needs_customer_action 0 generic 12
ach R07 hard 0 generic 12
ach R05 hard 0 generic 13
ach R10 hard 0 generic 13
ach R11 hard 0 generic 13
ach R29 hard 0 generic 13
ach R51 hard 0 generic 13
ach R02 needs_customer_action 0 generic 13
ach R03 needs_customer_action 0 generic 13
ach R04 needs_customer_action 0 generic 13
ach R12 hard 0 generic 14
ach R14 hard 0 generic 14
ach R15 hard 0 generic 14
ach R16 hard 0 generic 14
ach R20 hard 0 generic 14
sepa AM04 soft 0 insufficient_funds 15
sepa AC01 needs_customer_action 0 generic 15
sepa AC04 hard 0 generic 15
sepa AC06 hard 0 generic 15
sepa AM05 needs_customer_action 0 generic 15
sepa MD06 hard 0 generic 15
sepa MD07 hard 0 generic 15
sepa MS02 needs_customer_action 0 generic 15
sepa MS03 soft 0 generic 15
sepa MD01 hard 0 generic 16
bacs_arudd 0 soft 0 generic 17
bacs_arudd 1 hard 0 generic 18
bacs_arudd 2 hard 0 generic 18
bacs_arudd 3 needs_customer_action 0 generic 18
bacs_arudd 4 needs_customer_action 0 generic 18
bacs_arudd 5 needs_customer_action 0 generic 16
bacs_arudd 6 hard 0 generic 16
bacs_arudd 8 soft 0 generic 16
bacs_arudd 9 soft 0 generic 16
bacs_arudd A needs_customer_action 0 generic 16
bacs_arudd B hard 0 generic 16
gocardless insufficient_funds soft 0 insufficient_funds 16
gocardless refer_to_payer soft 0 generic 16
gocardless bank_account_closed hard 0 generic 16
gocardless mandate_cancelled hard 0 generic 16
gocardless invalid_bank_details needs_customer_action 0 generic 16
gocardless direct_debit_not_enabled needs_customer_action 0 generic 16
gocardless bank_account_transferred needs_customer_action 0 generic 16
gocardless authorisation_disputed hard 0 generic 16
gocardless mandate_expired needs_customer_action 0 generic 16
gocardless payer_deceased hard 0 generic 16
"""
"""One decline code a line; the last word is the index of its source."""
