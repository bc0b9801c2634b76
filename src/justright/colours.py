"""Colours that go together: safe for colour-blind readers, on light and on dark paper."""

from __future__ import annotations

# Okabe & Ito, "Color Universal Design" (2008), their yellow replaced: it cannot be seen on white. Darkened (light
# paper) or lightened (dark paper) until every colour has a contrast of at least 3:1 (WCAG 2.2, 1.4.11).
LIGHT = ("#0072b2", "#d55e00", "#00875f", "#b5508c", "#a87400", "#2b8fc7", "#555555", "#6f7d00")
DARK = ("#4fb0f0", "#ff8b4d", "#2fcb9e", "#ea9ccb", "#edb641", "#a3dcff", "#c4c4c4", "#cdd94f")
