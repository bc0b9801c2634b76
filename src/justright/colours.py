"""Colours that go together: safe for colour-blind readers, on light and on dark paper."""

from __future__ import annotations

# Okabe & Ito, "Color Universal Design" (2008), without their yellow, which cannot be seen on white, and their sky blue, which is
# no other than their blue once both can be read: a violet and a red instead. Darkened (light paper) or lightened (dark paper)
# until every colour has a contrast of at least 3:1 (WCAG 2.2, 1.4.11).
LIGHT = ("#0072b2", "#d55e00", "#00875f", "#b5508c", "#a87400", "#6a35d9", "#555555", "#780800")
DARK = ("#4fb0f0", "#ff8b4d", "#2fcb9e", "#ea9ccb", "#edb641", "#8f6bff", "#c4c4c4", "#e84058")
