"""Reports: tables, accessible SVG charts, one-file HTML pages; what they say comes from elsewhere.

Everything here is a value turned into text: the same value gives the same bytes. A page needs no
script, no font and no other file, follows the reader's light or dark scheme, and can be printed.
"""

from __future__ import annotations

from retainkit.reports._back_test import back_test_page
from retainkit.reports._bars import BarChart, BarGroup
from retainkit.reports._chart import Chart
from retainkit.reports._curve import Curve, StepChart
from retainkit.reports._flow import Flow, FlowChart, Share
from retainkit.reports._health import Rated, health_page
from retainkit.reports._heat import Heat, HeatMap
from retainkit.reports._histogram import Histogram
from retainkit.reports._intervals import Dot, IntervalChart
from retainkit.reports._page import Block, Fact, Page, Section, Step, Steps, html_page
from retainkit.reports._table import Table, part_of, percent, text_table


__all__ = [
    "BarChart",
    "BarGroup",
    "Block",
    "Chart",
    "Curve",
    "Dot",
    "Fact",
    "Flow",
    "FlowChart",
    "Heat",
    "HeatMap",
    "Histogram",
    "IntervalChart",
    "Page",
    "Rated",
    "Section",
    "Share",
    "Step",
    "StepChart",
    "Steps",
    "Table",
    "back_test_page",
    "health_page",
    "html_page",
    "part_of",
    "percent",
    "text_table",
]
