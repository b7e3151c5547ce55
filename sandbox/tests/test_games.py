"""Games: scores, plays and milestones agree with each other and with the games' markets."""

from datetime import datetime
from typing import Any

import pytest

from sandbox.tests.client import Sandbox
from sandbox.tests.conftest import NOON

DAY = 86_400


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.fixture(scope="module")
def milestones(frozen: Sandbox) -> list[Any]:
    return frozen.everything("/milestones?limit=500", "milestones")


def test_the_final_score_is_what_the_games_markets_paid(frozen: Sandbox, milestones: list[Any]) -> None:
    over = [row for row in milestones if NOON - 40 * DAY < seconds(row["end_date"]) < NOON - DAY]
    assert len({row["type"] for row in over}) > 2
    query = "&".join(f"milestone_ids={row['id']}" for row in over[-100:])
    totals = 0
    for milestone, live in zip(
        over[-100:], frozen.body(f"/live_data/batch?{query}")["live_datas"], strict=True
    ):
        details = live["details"]
        home, away = details["home_points"], details["away_points"]
        assert (live["milestone_id"], details["status"]) == (milestone["id"], "final")
        for ticker in milestone["related_event_tickers"]:
            for market in frozen.body(f"/events/{ticker}")["markets"]:
                if "TOTAL" in ticker:
                    totals += 1
                    assert market["expiration_value"] == str(home + away)
                    assert (market["result"] == "yes") == (home + away > market["floor_strike"])
                else:
                    best = max(home, away) if home != away else None
                    own = home if market["yes_sub_title"] == details["home_team"] else away
                    assert market["result"] == ("scalar" if best is None else "yes" if own == best else "no")
    assert totals > 10


def test_plays_and_players_add_up_to_the_score(frozen: Sandbox, milestones: list[Any]) -> None:
    over = [row["id"] for row in milestones if seconds(row["end_date"]) < NOON][-4:]
    for name in over:
        live = frozen.body(f"/live_data/milestone/{name}?include_player_stats=true")["live_data"]
        details = live["details"]
        plays = [
            play
            for period in frozen.body(f"/live_data/milestone/{name}/game_stats")["pbp"]["periods"]
            for play in period["events"]
        ]
        for side in ("home", "away"):
            team, points = details[f"{side}_team"], details[f"{side}_points"]
            assert sum(play["points"] for play in plays if play["team"] == team) == points
            scored = (row["points"] for row in details["player_stats"] if row["team"] == team)
            assert sum(scored) == points
        assert frozen.body(f"/live_data/{live['type']}/milestone/{name}")["live_data"]["details"] == {
            key: value for key, value in details.items() if key != "player_stats"
        }
        assert frozen.get(f"/live_data/chess_game/milestone/{name}").status_code == 404


def test_a_game_that_has_not_begun_has_no_points(frozen: Sandbox, milestones: list[Any]) -> None:
    later = next(row for row in milestones if seconds(row["start_date"]) > NOON)
    details = frozen.body(f"/live_data/milestone/{later['id']}")["live_data"]["details"]
    assert (details["status"], details["home_points"], details["period"]) == ("scheduled", 0, 0)
    assert frozen.body(f"/live_data/milestone/{later['id']}/game_stats") == {"pbp": None}


def test_milestones_filter_and_stand_beside_their_events(frozen: Sandbox, milestones: list[Any]) -> None:
    def found(query: str) -> list[str]:
        return [row["id"] for row in frozen.everything(f"/milestones?limit=500&{query}", "milestones")]

    one = next(row for row in milestones if len(row["related_event_tickers"]) == 2)
    assert found(f"related_event_ticker={one['related_event_tickers'][1]}") == [one["id"]]
    assert found(f"source_id={one['source_id']}") == [one["id"]]
    for name, value in (("type", one["type"]), ("competition", one["details"]["league"])):
        assert 0 < len(found(f"{name}={value}")) < len(milestones)
    assert found("category=Sports") == [row["id"] for row in milestones]
    assert found("category=Politics") == []
    since = [row["id"] for row in milestones if seconds(row["start_date"]) >= NOON]
    assert found("minimum_start_date=2026-11-21T12:00:00Z") == since != []
    assert frozen.body(f"/milestones/{one['id']}") == {"milestone": one}
    listed = frozen.body(f"/events?tickers={','.join(one['related_event_tickers'])}&with_milestones=true")
    assert listed["milestones"] == [one]
