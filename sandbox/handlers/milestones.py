"""Milestones: the games behind sports events."""

from datetime import UTC, datetime

from sandbox.errors import Body, not_found, unparsable
from sandbox.exchange import View
from sandbox.fixed import iso
from sandbox.paging import page
from sandbox.params import Args
from sandbox.world.games import Game, games_of


def games(view: View) -> list[Game]:
    """All listed games, first start first."""
    listed = games_of(view.universe.events, view.events())
    return sorted(listed, key=game_key)


def game_key(game: Game) -> tuple[int, str]:
    return game.start_s, game.game_id


def existing_game(view: View, game_id: str) -> Game:
    for game in games_of(view.universe.events, view.events()):
        if game.game_id == game_id:
            return game
    raise not_found()


def source_id(game: Game) -> str:
    return f"{game.league.name.lower()}-{game.winner.key:016x}"


def get_milestones(view: View, args: Args) -> Body:
    since, updated = moment(args.text("minimum_start_date")), args.number("min_updated_ts")
    category, competition, kind = args.text("category"), args.text("competition"), args.text("type")
    source, related = args.text("source_id"), args.text("related_event_ticker")
    wanted = (
        game
        for game in games(view)
        if (since is None or game.start_s >= since)
        and category in {None, game.winner.series.category}
        and competition in {None, game.league.name}
        and kind in {None, game.kind}
        and source in {None, source_id(game)}
        and (related is None or related in {event.ticker for event in game.events})
        and (updated is None or game.winner.timing.last_change_s(view.now_s) >= updated)
    )
    found, cursor = page("milestones", wanted, game_key, args.text("cursor"), args.integer("limit"))
    return {"milestones": [milestone_body(view, game) for game in found], "cursor": cursor}


def moment(text: str | None) -> float | None:
    """Unix seconds of an RFC 3339 time. Raises ApiError 400."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise unparsable("minimum_start_date", text, "time") from None


def get_milestone(view: View, args: Args) -> Body:
    return {"milestone": milestone_body(view, existing_game(view, args.path("milestone_id")))}


def milestone_body(view: View, game: Game) -> Body:
    event = game.winner
    return {
        "id": game.game_id,
        "category": event.series.category,
        "type": game.kind,
        "start_date": iso(game.start_s),
        "end_date": iso(event.timing.close_s),
        "related_event_tickers": [related.ticker for related in game.events],
        "primary_event_tickers": [event.ticker],
        "title": event.title,
        "notification_message": event.title,
        "source_id": source_id(game),
        "details": {"league": game.league.name, "home_team": game.home, "away_team": game.away},
        "last_updated_ts": iso(event.timing.last_change_s(view.now_s)),
    }
