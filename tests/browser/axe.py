"""axe-core, which `make test-browser` installs, looks at a page for what keeps people out."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import Browser

_AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"

needs_axe = pytest.mark.skipif(
    not _AXE.exists(), reason="axe-core is not installed: make test-browser"
)


def load_axe(browser: Browser) -> None:
    """Loads axe-core into the page that is shown."""
    browser.run(_AXE.read_text(encoding="utf-8") + ";0")


def serious_findings(browser: Browser) -> Any:
    """Rules that the page breaks seriously: name, how often, and where first."""
    return browser.run(
        "axe.run({ resultTypes: ['violations'] }).then((all) => all.violations"
        ".filter((one) => ['serious', 'critical'].includes(one.impact))"
        ".map((one) => [one.id, one.nodes.length, one.nodes[0].html.slice(0, 200)]))"
    )
