"""Made by scripts/build_vat_rates.py from the data sets in data/vat; do not edit.

From eu-vat-rates-data (MIT, vatnode.dev), kdeldycke/vat-rates (BSD-2-Clause, Kevin
Deldycke and contributors) and ibericode/vat-rates (MIT, ibericode): their licences are
among the distribution's licence files.
"""

from __future__ import annotations


DATA_AS_OF = "2026-09-29"

SOURCES: tuple[str, ...] = (
    "as Switzerland: one VAT area",
    "as Switzerland: one VAT area; eu-vat-rates-data 2026.9.29",
    "eu-vat-rates-data 2026.9.29",
    "eu-vat-rates-data 2026.9.29; since when: Act 124/2014",
    "eu-vat-rates-data 2026.9.29; since when: DLR 15-A/2021/A",
    "ibericode/vat-rates 5abb1e1",
    "invoicemama.com guide to GST/HST rates by province",
    "invoicemama.com guide to GST/HST rates by province; avalara.com still says 15",
    "kdeldycke/vat-rates 7585c28",
    "kdeldycke/vat-rates 7585c28; since when: AS 2010 2055",
    "until when: avalara.com news of 2014-01-01",
    "until when: law proposal 48/XII of 2012-03-22",
)

# country|region|category|percent|first day|first day after it|source|parts of the rate
RATES = """\
AD||standard|4.5|2026-09-29||2|
AL||standard|20|2026-09-29||2|
AT||standard|16|1973-01-01|1976-01-01|8|
AT||standard|18|1976-01-01|1984-01-01|8|
AT||standard|20|1984-01-01||8|
AT||super_reduced|4.9|2026-09-29||2|
AT|AT-JUNGHOLZ|standard|19|1984-01-01||8|
AT|AT-MITTELBERG|standard|19|1984-01-01||8|
BA||standard|17|2026-09-29||2|
BE||parking|12|2026-09-29||2|
BE||standard|18|1971-07-01|1978-07-01|8|
BE||standard|16|1978-07-01|1981-07-01|8|
BE||standard|17|1981-07-01|1983-01-01|8|
BE||standard|19|1983-01-01|1992-04-01|8|
BE||standard|19.5|1992-04-01|1994-01-01|8|
BE||standard|20.5|1994-01-01|1996-01-01|8|
BE||standard|21|1996-01-01||8|
BG||reduced|9|2026-09-29||2|
BG||standard|18|1994-04-01|1996-07-01|8|
BG||standard|22|1996-07-01|1999-01-01|8|
BG||standard|20|1999-01-01||8|
CA|CA-AB|standard|5|2008-01-01||6|GST 5
CA|CA-BC|standard|12|2013-04-01||6|GST 5 + PST 7
CA|CA-MB|standard|12|2019-07-01||6|GST 5 + RST 7
CA|CA-NB|standard|15|2016-07-01||6|HST 15
CA|CA-NL|standard|15|2016-07-01||6|HST 15
CA|CA-NS|standard|15|2010-07-01|2025-04-01|6|HST 15
CA|CA-NS|standard|14|2025-04-01||7|HST 14
CA|CA-NT|standard|5|2008-01-01||6|GST 5
CA|CA-NU|standard|5|2008-01-01||6|GST 5
CA|CA-ON|standard|13|2010-07-01||6|HST 13
CA|CA-PE|standard|15|2016-10-01||6|HST 15
CA|CA-QC|standard|14.975|2013-01-01||6|GST 5 + QST 9.975
CA|CA-SK|standard|11|2017-03-23||6|GST 5 + PST 6
CA|CA-YT|standard|5|2008-01-01||6|GST 5
CH||standard|8|2011-01-01|2018-01-01|9|
CH||standard|7.7|2018-01-01|2024-01-01|8|
CH||standard|8.1|2024-01-01||8|
CY||standard|5|1992-07-01|1993-10-01|8|
CY||standard|8|1993-10-01|2000-07-01|8|
CY||standard|10|2000-07-01|2002-07-01|8|
CY||standard|13|2002-07-01|2003-01-01|8|
CY||standard|15|2003-01-01|2012-03-01|8|
CY||standard|17|2012-03-01|2013-01-14|8|
CY||standard|18|2013-01-14|2014-01-13|8|
CY||standard|19|2014-01-13||8|
CY||super_reduced|3|2026-09-29||2|
CZ||reduced|12|2026-09-29||2|
CZ||standard|23|1993-01-01|1995-01-01|8|
CZ||standard|22|1995-01-01|2004-05-01|8|
CZ||standard|19|2004-05-01|2010-01-01|8|
CZ||standard|20|2010-01-01|2013-01-01|8|
CZ||standard|21|2013-01-01||8|
DE||reduced|7|2026-09-29||2|
DE||standard|10|1968-01-01|1968-07-01|8|
DE||standard|11|1968-07-01|1978-01-01|8|
DE||standard|12|1978-01-01|1979-07-01|8|
DE||standard|13|1979-07-01|1983-07-01|8|
DE||standard|14|1983-07-01|1993-01-01|8|
DE||standard|15|1993-01-01|1998-04-01|8|
DE||standard|16|1998-04-01|2007-01-01|8|
DE||standard|19|2007-01-01|2020-07-01|8|
DE||standard|16|2020-07-01|2021-01-01|8|
DE||standard|19|2021-01-01||8|
DK||standard|10|1967-07-03|1968-04-01|8|
DK||standard|12.5|1968-04-01|1970-06-29|8|
DK||standard|15|1970-06-29|1977-10-03|8|
DK||standard|18|1977-10-03|1978-10-30|8|
DK||standard|20.25|1978-10-30|1980-06-30|8|
DK||standard|22|1980-06-30|1992-01-01|8|
DK||standard|25|1992-01-01||8|
EE||standard|10|1991-01-01|1993-01-01|8|
EE||standard|18|1993-01-01|2009-07-01|8|
EE||standard|20|2009-07-01|2024-01-01|8|
EE||standard|22|2024-01-01|2025-07-01|8|
EE||standard|24|2025-07-01||8|
ES||reduced|10|2026-09-29||2|
ES||standard|12|1986-01-01|1992-01-01|8|
ES||standard|13|1992-01-01|1992-08-01|8|
ES||standard|15|1992-08-01|1995-01-01|8|
ES||standard|16|1995-01-01|2010-07-01|8|
ES||standard|18|2010-07-01|2012-09-01|8|
ES||standard|21|2012-09-01||8|
ES||super_reduced|4|2026-09-29||2|
FI||standard|22|1994-06-01|2010-07-01|8|
FI||standard|23|2010-07-01|2013-01-01|8|
FI||standard|24|2013-01-01|2024-09-01|8|
FI||standard|25.5|2024-09-01||8|
FR||standard|16.66|1968-01-01|1968-12-01|8|
FR||standard|19|1968-12-01|1970-01-01|8|
FR||standard|23|1970-01-01|1973-01-01|8|
FR||standard|20|1973-01-01|1977-01-01|8|
FR||standard|17.6|1977-01-01|1982-07-01|8|
FR||standard|18.6|1982-07-01|1995-08-01|8|
FR||standard|20.6|1995-08-01|2000-04-01|8|
FR||standard|19.6|2000-04-01|2014-01-01|8|
FR||standard|20|2014-01-01||8|
FR||super_reduced|2.1|2026-09-29||2|
FR|FR-GP|standard|8.5|2014-01-01||8|
FR|FR-MQ|standard|8.5|2014-01-01||8|
FR|FR-RE|standard|8.5|2014-01-01||8|
GB||reduced|5|2026-09-29||2|
GB||standard|10|1973-04-01|1974-07-29|8|
GB||standard|8|1974-07-29|1979-06-18|8|
GB||standard|15|1979-06-18|1991-04-01|8|
GB||standard|17.5|1991-04-01|2008-12-01|8|
GB||standard|15|2008-12-01|2010-01-01|8|
GB||standard|17.5|2010-01-01|2011-01-04|8|
GB||standard|20|2011-01-04||8|
GE||standard|18|2026-09-29||2|
GR||parking|13|2026-09-29||2|
GR||standard|18|1987-01-01|1988-01-01|8|
GR||standard|16|1988-01-01|1990-04-28|8|
GR||standard|18|1990-04-28|2005-04-01|8|
GR||standard|19|2005-04-01|2010-03-15|8|
GR||standard|21|2010-03-15|2010-07-01|8|
GR||standard|23|2010-07-01|2016-06-01|8|
GR||standard|24|2016-06-01||8|
GR||super_reduced|4|2026-09-29||2|
HR||standard|22|1998-08-01|2009-08-01|8|
HR||standard|23|2009-08-01|2012-03-01|8|
HR||standard|25|2012-03-01|2023-01-01|8|
HR||standard|25|2023-01-01||8|
HU||standard|25|1988-01-01|2006-01-01|8|
HU||standard|20|2006-01-01|2009-07-01|8|
HU||standard|25|2009-07-01|2012-01-01|8|
HU||standard|27|2012-01-01||8|
IE||standard|16.37|1972-11-01|1973-09-03|8|
IE||standard|19.5|1973-09-03|1976-03-01|8|
IE||standard|20|1976-03-01|1980-05-01|8|
IE||standard|25|1980-05-01|1982-05-01|8|
IE||standard|30|1982-05-01|1983-03-01|8|
IE||standard|35|1983-03-01|1983-05-01|8|
IE||standard|23|1983-05-01|1986-03-01|8|
IE||standard|25|1986-03-01|1990-03-01|8|
IE||standard|23|1990-03-01|1991-03-01|8|
IE||standard|21|1991-03-01|2001-01-01|8|
IE||standard|20|2001-01-01|2002-03-01|8|
IE||standard|21|2002-03-01|2008-12-01|8|
IE||standard|21.5|2008-12-01|2010-01-01|8|
IE||standard|21|2010-01-01|2012-01-01|8|
IE||standard|23|2012-01-01|2020-09-01|8|
IE||standard|21|2020-09-01|2021-03-01|5|
IE||standard|23|2021-03-01||8|
IS||reduced|11|2026-09-29||2|
IS||standard|24|2015-01-01||3|
IT||standard|12|1973-01-01|1977-02-08|8|
IT||standard|14|1977-02-08|1980-07-03|8|
IT||standard|15|1980-07-03|1980-11-01|8|
IT||standard|14|1980-11-01|1981-01-01|8|
IT||standard|15|1981-01-01|1982-08-05|8|
IT||standard|18|1982-08-05|1988-08-01|8|
IT||standard|19|1988-08-01|1997-10-01|8|
IT||standard|20|1997-10-01|2011-09-17|8|
IT||standard|21|2011-09-17|2013-10-01|8|
IT||standard|22|2013-10-01||8|
IT||super_reduced|4|2026-09-29||2|
LI||standard|8|2011-01-01|2018-01-01|0|
LI||standard|7.7|2018-01-01|2024-01-01|0|
LI||standard|8.1|2024-01-01||1|
LT||standard|18|1994-05-01|2009-01-01|8|
LT||standard|19|2009-01-01|2009-09-01|8|
LT||standard|21|2009-09-01||8|
LU||parking|14|2026-09-29||2|
LU||standard|8|1970-01-01|1971-01-01|8|
LU||standard|10|1971-01-01|1983-07-01|8|
LU||standard|12|1983-07-01|1992-01-01|8|
LU||standard|15|1992-01-01|2015-01-01|8|
LU||standard|17|2015-01-01|2023-01-01|8|
LU||standard|16|2023-01-01|2024-01-01|8|
LU||standard|17|2024-01-01||8|
LU||super_reduced|3|2026-09-29||2|
LV||standard|18|1995-05-01|2009-01-01|8|
LV||standard|21|2009-01-01|2011-01-01|8|
LV||standard|22|2011-01-01|2012-07-01|8|
LV||standard|21|2012-07-01||8|
MD||reduced|8|2026-09-29||2|
MD||standard|20|2026-09-29||2|
ME||standard|21|2026-09-29||2|
MK||standard|18|2026-09-29||2|
MT||parking|12|2026-09-29||2|
MT||standard|15|1995-01-01|2004-01-01|8|
MT||standard|18|2004-01-01||8|
NL||reduced|9|2026-09-29||2|
NL||standard|12|1969-01-01|1971-01-01|8|
NL||standard|14|1971-01-01|1973-01-01|8|
NL||standard|16|1973-01-01|1976-01-01|8|
NL||standard|18|1976-01-01|1984-01-01|8|
NL||standard|19|1984-01-01|1986-10-01|8|
NL||standard|20|1986-10-01|1989-01-01|8|
NL||standard|18.5|1989-01-01|1992-10-01|8|
NL||standard|17.5|1992-10-01|2001-01-01|8|
NL||standard|19|2001-01-01|2012-10-01|8|
NL||standard|21|2012-10-01||8|
NO||standard|25|2011-07-01||8|
PL||standard|22|1993-01-08|2011-01-01|8|
PL||standard|23|2011-01-01||8|
PT||parking|13|2026-09-29||2|
PT||standard|16|1986-01-01|1988-02-01|8|
PT||standard|17|1988-02-01|1992-03-24|8|
PT||standard|16|1992-03-24|1995-01-01|8|
PT||standard|17|1995-01-01|2002-06-05|8|
PT||standard|19|2002-06-05|2005-07-01|8|
PT||standard|21|2005-07-01|2008-07-01|8|
PT||standard|20|2008-07-01|2010-07-01|8|
PT||standard|21|2010-07-01|2011-01-01|8|
PT||standard|23|2011-01-01||8|
PT|PT-20|standard|16|2011-01-01|2014-01-01|10|
PT|PT-20|standard|18|2014-01-01|2021-07-01|8|
PT|PT-20|standard|16|2021-07-01||4|
PT|PT-30|standard|16|2011-01-01|2012-04-01|11|
PT|PT-30|standard|22|2012-04-01||8|
RO||reduced|11|2026-09-29||2|
RO||standard|18|1993-07-01|1998-02-01|8|
RO||standard|22|1998-02-01|2000-01-01|8|
RO||standard|19|2000-01-01|2010-07-01|8|
RO||standard|24|2010-07-01|2016-01-01|8|
RO||standard|20|2016-01-01|2017-01-01|8|
RO||standard|19|2017-01-01|2025-08-01|8|
RO||standard|21|2025-08-01||8|
RS||reduced|10|2026-09-29||2|
RS||standard|20|2026-09-29||2|
SE||standard|11.11|1969-01-01|1971-01-01|8|
SE||standard|17.65|1971-01-01|1977-06-01|8|
SE||standard|20.63|1977-06-01|1980-09-08|8|
SE||standard|23.46|1980-09-08|1981-11-16|8|
SE||standard|21.51|1981-11-16|1983-01-01|8|
SE||standard|23.46|1983-01-01|1990-07-01|8|
SE||standard|25|1990-07-01||8|
SI||standard|19|1999-07-01|2002-01-01|8|
SI||standard|20|2002-01-01|2013-07-01|8|
SI||standard|22|2013-07-01||8|
SK||standard|23|1993-01-01|1993-08-01|8|
SK||standard|25|1993-08-01|1996-01-01|8|
SK||standard|23|1996-01-01|2003-01-01|8|
SK||standard|20|2003-01-01|2004-01-01|8|
SK||standard|19|2004-01-01|2011-01-01|8|
SK||standard|20|2011-01-01|2025-01-01|8|
SK||standard|23|2025-01-01||8|
TR||standard|20|2026-09-29||2|
UA||standard|20|2026-09-29||2|
XK||reduced|8|2026-09-29||2|
XK||standard|18|2026-09-29||2|
"""

CURRENCIES: dict[str, str] = {
    "AD": "EUR",
    "AL": "ALL",
    "AT": "EUR",
    "BA": "BAM",
    "BE": "EUR",
    "BG": "EUR",
    "CH": "CHF",
    "CY": "EUR",
    "CZ": "CZK",
    "DE": "EUR",
    "DK": "DKK",
    "EE": "EUR",
    "EL": "EUR",
    "ES": "EUR",
    "FI": "EUR",
    "FR": "EUR",
    "GB": "GBP",
    "GE": "GEL",
    "GR": "EUR",
    "HR": "EUR",
    "HU": "HUF",
    "IE": "EUR",
    "IS": "ISK",
    "IT": "EUR",
    "LI": "CHF",
    "LT": "EUR",
    "LU": "EUR",
    "LV": "EUR",
    "MC": "EUR",
    "MD": "MDL",
    "ME": "EUR",
    "MK": "MKD",
    "MT": "EUR",
    "NL": "EUR",
    "NO": "NOK",
    "PL": "PLN",
    "PT": "EUR",
    "RO": "RON",
    "RS": "RSD",
    "SE": "SEK",
    "SI": "EUR",
    "SK": "EUR",
    "TR": "TRY",
    "UA": "UAH",
    "XI": "GBP",
    "XK": "EUR",
}
