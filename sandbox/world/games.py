"""What happens in a game: scores that end as the game's markets settle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random

from sandbox.world.model import Event
from sandbox.world.numbers import unit, uuid_of
from sandbox.world.sports import LEAGUES, League

PLAYING_S = 9_000
PLAYERS = 5
PERIODS = {"Basketball": 4, "Football": 4, "Hockey": 3, "Baseball": 9}
VALUES = {"Basketball": (2, 2, 3, 1), "Football": (7, 3)}
LEAGUE = {league.name: league for league in LEAGUES}


@dataclass(frozen=True, slots=True)
class Play:
    """Points of one side at a moment, by one of its players (0 to PLAYERS - 1)."""

    at_s: int
    is_home: bool
    points: int
    player: int


@dataclass(frozen=True)
class Game:
    """`winner` and, where there is one, `total` are its events."""

    league: League
    winner: Event
    total: Event | None

    @property
    def game_id(self) -> str:
        return uuid_of("milestone", self.winner.ticker)

    @property
    def kind(self) -> str:
        return f"{self.league.sport.lower()}_game"

    @property
    def home(self) -> str:
        return self.winner.markets[0].name

    @property
    def away(self) -> str:
        return self.winner.markets[1].name

    @property
    def start_s(self) -> int:
        return self.winner.timing.close_s - PLAYING_S

    @property
    def events(self) -> list[Event]:
        return [self.winner] if self.total is None else [self.winner, self.total]

    def status(self, now_s: int) -> str:
        if now_s < self.start_s:
            return "scheduled"
        return "in_progress" if now_s < self.winner.timing.close_s else "final"

    def period(self, at_s: int) -> int:
        """From 1; 0 before the start."""
        periods = PERIODS[self.league.sport]
        gone_s = at_s - self.start_s
        return 0 if gone_s < 0 else min(periods, 1 + gone_s * periods // PLAYING_S)

    @property
    def final_score(self) -> tuple[int, int]:
        """Home and away: the sum is the total's value, the difference has the winner's sign."""
        if self.total is not None:
            points = int(self.total.final_value)
        else:
            usual, deviation = self.league.total
            points = max(1, round(usual + deviation * (2 * unit(self.winner.key) - 1)))
        if self.winner.tied:
            return -(-points // 2), -(-points // 2)
        margin = min(abs(int(self.winner.final_value)), points)
        margin += (points - margin) % 2
        best, other = (points + margin) // 2, (points - margin) // 2
        return (best, other) if self.winner.final_value > 0 else (other, best)

    @cached_property
    def plays(self) -> list[Play]:
        """All of them, in order of time."""
        dice = Random(self.winner.key)
        plays = []
        for is_home, points in zip((True, False), self.final_score, strict=True):
            left = points
            while left:
                fitting = [value for value in VALUES.get(self.league.sport, (1,)) if value <= left]
                value = dice.choice(fitting) if fitting else left
                moment = self.start_s + dice.randrange(PLAYING_S)
                plays.append(Play(moment, is_home, value, dice.randrange(PLAYERS)))
                left -= value
        return sorted(plays, key=lambda play: play.at_s)

    def played(self, now_s: int) -> list[Play]:
        return [play for play in self.plays if play.at_s <= now_s]


def games_of(events: Mapping[str, Event], some: Iterable[Event]) -> list[Game]:
    """The games to which some events belong, each once, in the events' order; other events have none."""
    games: dict[str, Game] = {}
    for event in some:
        if event.collection is None and event.series.category == "Sports":
            winner = events[event.ticker.replace("TOTAL-", "GAME-", 1)]
            total = events.get(winner.ticker.replace("GAME-", "TOTAL-", 1))
            games[winner.ticker] = Game(LEAGUE[winner.metadata["competition"]], winner, total)
    return list(games.values())
