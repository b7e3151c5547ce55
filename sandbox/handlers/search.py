"""What the search pages offer: tags by category, leagues by sport; structured targets behind the strikes."""

from sandbox.errors import Body, not_found
from sandbox.exchange import View
from sandbox.fixed import iso
from sandbox.paging import page
from sandbox.params import Args
from sandbox.world.days import DAY_S
from sandbox.world.sports import LEAGUES, TEAMS, League, team_id


def get_tags_for_series_categories(view: View, _args: Args) -> Body:
    tags: dict[str, set[str]] = {}
    for series in view.universe.series.values():
        tags.setdefault(series.category, set()).update(series.tags)
    return {"tags_by_categories": {category: sorted(words) for category, words in sorted(tags.items())}}


def get_filters_for_sports(_view: View, _args: Args) -> Body:
    """As the events' `product_metadata` names competition and scope."""
    scopes = ["Game"]
    filters = {
        league.sport: {"scopes": scopes, "competitions": {league.name: {"scopes": scopes}}}
        for league in LEAGUES
    }
    return {"filters_by_sports": filters, "sport_ordering": list(filters)}


def targets(view: View) -> list[Body]:
    """The teams, in the order of their ids."""
    rows = [target_body(view, league, team) for league in LEAGUES for team in TEAMS[league.name].split()]
    return sorted(rows, key=lambda row: str(row["id"]))


def target_body(view: View, league: League, team: str) -> Body:
    return {
        "id": team_id(league.name, team),
        "name": team,
        "type": f"{league.sport.lower()}_team",
        "details": {"abbreviation": team, "league": league.name},
        "source_id": f"{league.name.lower()}-{team.lower()}",
        "last_updated_ts": iso(view.universe.first_day * DAY_S),
    }


def get_structured_targets(view: View, args: Args) -> Body:
    ids, kind, competition = args.words("ids"), args.text("type"), args.text("competition")
    rows = (
        row
        for row in targets(view)
        if (not ids or row["id"] in ids)
        and kind in {None, row["type"]}
        and competition in {None, row["details"]["league"]}
    )
    found, cursor = page(
        "targets", rows, lambda row: (row["id"],), args.text("cursor"), args.integer("page_size")
    )
    return {"structured_targets": found, "cursor": cursor}


def get_structured_target(view: View, args: Args) -> Body:
    for row in targets(view):
        if row["id"] == args.path("structured_target_id"):
            return {"structured_target": row}
    raise not_found()
