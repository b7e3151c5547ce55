"""How values of the code stand in the tables of the documents."""

from __future__ import annotations


def cell(text: str) -> str:
    return f"`{text}`" if text else ""


def shown_default(value: object) -> str:
    match value:
        case None | ():
            return ""
        case bool():
            return cell(str(int(value)))
        case tuple():
            return cell(",".join(value))
        case float():
            return cell(f"{value:g}")
    return cell(str(value))
