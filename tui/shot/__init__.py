"""Pictures: a grid of cells becomes an SVG and a PNG that look the same everywhere. Plain Python, no screen."""
