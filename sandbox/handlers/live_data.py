"""Live data: the score of a game, its plays, the figure that an event is about."""

from collections.abc import Iterable

from sandbox.errors import Body, not_found
from sandbox.exchange import View
from sandbox.handlers.milestones import existing_game, games
from sandbox.handlers.weather import latest
from sandbox.params import Args
from sandbox.world.games import PERIODS, PLAYERS, Game, Play, games_of
from sandbox.world.model import Event
from sandbox.world.prices import forecast
from sandbox.world.weather import CITY_OF

RANGES = {"1h": 3_600, "6h": 21_600, "1d": 86_400}
DEFAULT_RANGE = "6h"
POINTS = 60


def get_live_data(view: View, args: Args) -> Body:
    """The type in the path must be the milestone's."""
    game = existing_game(view, args.path("milestone_id"))
    if args.path("type") != game.kind:
        raise not_found()
    return {"live_data": live_body(view, game, args)}


def get_live_data_by_milestone(view: View, args: Args) -> Body:
    return {"live_data": live_body(view, existing_game(view, args.path("milestone_id")), args)}


def get_live_datas(view: View, args: Args) -> Body:
    """In the order asked for; unknown milestones are left out."""
    known = {game.game_id: game for game in games(view)}
    found = (known[name] for name in dict.fromkeys(args.words("milestone_ids")) if name in known)
    return {"live_datas": [live_body(view, game, args) for game in found]}


def get_game_stats(view: View, args: Args) -> Body:
    """The scoring plays so far by period; null before the start."""
    game = existing_game(view, args.path("milestone_id"))
    played = game.played(view.now_s)
    current = game.period(view.now_s)
    if not current:
        return {"pbp": None}
    periods = [
        {"events": [play_body(game, play) for play in played if game.period(play.at_s) == number]}
        for number in range(1, current + 1)
    ]
    return {"pbp": {"periods": periods}}


def play_body(game: Game, play: Play) -> Body:
    team = game.home if play.is_home else game.away
    return {
        "ts": play.at_s,
        "team": team,
        "points": play.points,
        "player": f"{team} {play.player + 1}",
    }


def live_body(view: View, game: Game, args: Args) -> Body:
    details = score(game, view.now_s)
    if args.flag("include_player_stats"):
        details["player_stats"] = player_stats(game, game.played(view.now_s))
    return {"type": game.kind, "details": details, "milestone_id": game.game_id}


def score(game: Game, now_s: int) -> Body:
    played = game.played(now_s)
    return {
        "status": game.status(now_s),
        "league": game.league.name,
        "home_team": game.home,
        "away_team": game.away,
        "home_points": sum(play.points for play in played if play.is_home),
        "away_points": sum(play.points for play in played if not play.is_home),
        "period": game.period(now_s),
        "periods": PERIODS[game.league.sport],
    }


def player_stats(game: Game, played: Iterable[Play]) -> list[Body]:
    """Every player's points, home first."""
    points = dict.fromkeys(((is_home, player) for is_home in (True, False) for player in range(PLAYERS)), 0)
    for play in played:
        points[play.is_home, play.player] += play.points
    return [
        {"team": team, "player": f"{team} {player + 1}", "points": scored}
        for (is_home, player), scored in points.items()
        for team in [game.home if is_home else game.away]
    ]


def get_event_live_data(view: View, args: Args) -> Body:
    """Games, coins and temperatures; other events have none."""
    event = view.event(args.path("event_ticker"))
    if event is None:
        raise not_found()
    over = view.now_s >= event.timing.close_s
    if event.series.ticker in CITY_OF:
        details = latest(view, CITY_OF[event.series.ticker], event)
        return {"live_data": {"type": "weather_index", "details": details, "is_historical": over}}
    for game in games_of(view.universe.events, [event]):
        return {"live_data": {"type": game.kind, "details": score(game, view.now_s), "is_historical": over}}
    if event.series.category != "Crypto":
        raise not_found()
    body = {
        "type": "price",
        "details": price_history(view, event, args.text("range")),
        "is_historical": over,
        "default_range": DEFAULT_RANGE,
        "range_options": list(RANGES),
    }
    return {"live_data": body}


def price_history(view: View, event: Event, asked: str | None) -> Body:
    """What is expected of the coin's price, up to now or the end; an unknown range is the default one."""
    span_s = RANGES.get(asked or DEFAULT_RANGE, RANGES[DEFAULT_RANGE])
    end_s = min(view.now_s, event.timing.close_s)
    step = span_s // POINTS
    moments = [moment for moment in range(end_s - span_s, end_s + 1, step) if moment >= event.timing.open_s]
    series = [{"ts": moment, "value": round(forecast(event, moment)[0], 2)} for moment in moments]
    return {"price": series[-1]["value"] if series else None, "timeseries": series}
