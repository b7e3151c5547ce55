"""Games of four leagues in their seasons: a winner event with two markets each, and a points total for some."""

from dataclasses import dataclass
from random import Random

from sandbox.world.days import DAY_S, code, date_of, words
from sandbox.world.model import INFINITY, Event, Series, Timing
from sandbox.world.numbers import key_of, uuid_of

TEAMS = {
    "NBA": "ATL BOS BKN CHI CLE DAL DEN GSW HOU LAL MIA MIL NYK PHI PHX SAC",
    "NHL": "BOS BUF CAR CHI COL DAL DET EDM FLA MIN NJD NYR PIT SEA TOR VGK",
    "MLB": "ATL BAL BOS CHC CLE HOU LAD MIL MIN NYM NYY PHI SDP SEA STL TEX",
    "NFL": "BAL BUF CIN CLE DAL DEN DET GB HOU KC LAR MIA MIN NYJ PHI SF",
}


@dataclass(frozen=True, slots=True)
class League:
    """`season`: first and last (month, day), possibly over New Year; `total`: usual points and their deviation."""

    name: str
    sport: str
    season: tuple[tuple[int, int], tuple[int, int]]
    games: int
    margin: float
    total: tuple[float, float]
    exchange_index: int

    def plays(self, day: int) -> bool:
        when = date_of(day)
        today, (first, last) = (when.month, when.day), self.season
        inside = first <= today <= last if first <= last else today >= first or today <= last
        return inside and (self.name != "NFL" or when.weekday() in {3, 6, 0})


LEAGUES = (
    League("NBA", "Basketball", ((10, 20), (6, 15)), 3, 11.5, (226, 17), 3),
    League("NHL", "Hockey", ((10, 5), (6, 20)), 2, 2.2, (6, 1.9), 0),
    League("MLB", "Baseball", ((3, 26), (11, 1)), 3, 3.6, (8.6, 3.4), 3),
    League("NFL", "Football", ((9, 8), (2, 8)), 4, 10.5, (45, 11), 0),
)


def series_of(league: League, kind: str, title: str) -> Series:
    return Series(
        f"KX{league.name}{kind}",
        f"{league.name} {title}",
        "Sports",
        (league.sport,),
        "custom",
        (f"{league.name} league", f"https://www.{league.name.lower()}.com/"),
        exchange_index=league.exchange_index,
        fee_type="quadratic_with_maker_fees",
        trades_per_market=220,
    )


def team_id(league: str, team: str) -> str:
    """The structured target behind a team's strike."""
    return uuid_of(f"KX{league}", team)


GAMES = {league.name: series_of(league, "GAME", "game winner") for league in LEAGUES}
TOTALS = {league.name: series_of(league, "TOTAL", "game total") for league in LEAGUES}
SERIES = (*GAMES.values(), *TOTALS.values())


def events_on(seed: int, day: int) -> list[Event]:
    events = []
    for league in LEAGUES:
        if league.plays(day):
            dice = Random(key_of(seed, league.name, day))
            teams = TEAMS[league.name].split()
            dice.shuffle(teams)
            for game in range(league.games):
                events += game_events(seed, league, day, (teams[2 * game], teams[2 * game + 1]), dice)
    return events


def game_events(seed: int, league: League, day: int, teams: tuple[str, str], dice: Random) -> list[Event]:
    away, home = teams
    start = day * DAY_S + dice.choice((61_200, 64_800, 72_000, 84_600))
    close = start + 9_000 + dice.randrange(1_800)
    opened = (day - 3) * DAY_S + 54_000
    timing = Timing(opened - 43_200, opened, close, close + 300, close + 900)
    margin = round(dice.gauss(1.5, league.margin))
    tied = league.name == "NFL" and margin == 0
    winner = game_event(
        seed, GAMES[league.name], f"{code(day)}{away}{home}", f"{away} at {home}", day=day, timing=timing
    )
    winner.final_value, winner.spread, winner.tied = (0 if tied else margin or 1), league.margin, tied
    winner.value_text = "Tie" if tied else home if winner.final_value > 0 else away
    winner.mutually_exclusive = True
    winner.add(home, home, 0, INFINITY, strike_type="structured")
    winner.add(away, away, -INFINITY, 0, strike_type="structured")
    if dice.random() < 0.6:
        return [winner]
    usual, deviation = league.total
    points = max(1, round(dice.gauss(usual, deviation)))
    points += tied and points % 2
    line = round(usual + dice.gauss(0, deviation * 0.3)) + 0.5
    total = game_event(
        seed,
        TOTALS[league.name],
        f"{code(day)}{away}{home}",
        f"{away} at {home}: total",
        day=day,
        timing=timing,
    )
    total.final_value, total.spread, total.value_text = points, deviation, str(points)
    total.add(f"T{line}", f"Over {line}", line, INFINITY, strike_type="greater", floor_strike=line)
    return [winner, total]


def game_event(seed: int, series: Series, suffix: str, title: str, *, day: int, timing: Timing) -> Event:
    ticker = f"{series.ticker}-{suffix}"
    return Event(
        ticker,
        series,
        title,
        words(day),
        key_of(seed, ticker),
        timing,
        0,
        1,
        "",
        f"The game {title} originally scheduled for {words(day)} decides. A game not started within 48 hours "
        "resolves to a fair price.",
        metadata={"competition": series.title.split()[0], "competition_scope": "Game"},
    )
