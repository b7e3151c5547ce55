"""What happens in the world, as Kalshi tells it: milestones, scores, weather; and programs around the markets."""

from kalshi.upstream.endpoints.model import (
    CURSOR,
    EVENT_IN_PATH,
    HOUR_S,
    MIN_UPDATED_TS,
    Endpoint,
    Param,
    limit,
)

_MILESTONE_ID = Param("milestone_id", where="path", required=True)
_PLAYER_STATS = Param("include_player_stats", "boolean")
_CITY = Param("city", where="path", required=True)

ROWS = (
    Endpoint(
        operation="get_milestones",
        path="/milestones",
        signed=False,
        params=(
            limit(1, 500, required=True),
            Param("minimum_start_date"),
            Param("category"),
            Param("competition"),
            Param("source_id"),
            Param("type"),
            Param("related_event_ticker"),
            CURSOR,
            MIN_UPDATED_TS,
        ),
        fresh_s=HOUR_S,
        name="milestones",
    ),
    Endpoint(
        operation="get_milestone",
        path="/milestones/{milestone_id}",
        signed=False,
        params=(_MILESTONE_ID,),
        fresh_s=HOUR_S,
        name="milestone",
    ),
    Endpoint(
        operation="get_live_datas",
        path="/live_data/batch",
        signed=False,
        params=(
            Param("milestone_ids", required=True, serialization="repeat", max_items=100),
            _PLAYER_STATS,
        ),
        fresh_s=5,
        name="live_data_batch",
    ),
    Endpoint(
        operation="get_live_data_by_milestone",
        path="/live_data/milestone/{milestone_id}",
        signed=False,
        params=(_MILESTONE_ID, _PLAYER_STATS),
        fresh_s=5,
        name="live_data",
    ),
    Endpoint(
        operation="get_game_stats",
        path="/live_data/milestone/{milestone_id}/game_stats",
        signed=False,
        params=(_MILESTONE_ID,),
        fresh_s=5,
        name="game_stats",
    ),
    Endpoint(
        operation="get_event_live_data",
        path="/live_data/events/{event_ticker}",
        signed=False,
        params=(EVENT_IN_PATH, Param("range")),
        fresh_s=5,
        name="event_live_data",
    ),
    Endpoint(
        operation="get_weather_index",
        path="/live_data/weather/{city}",
        signed=False,
        params=(
            _CITY,
            Param("from", "integer"),
            Param("to", "integer"),
            Param("last_sec", "integer"),
            Param("detailed", "boolean"),
        ),
        fresh_s=5,
        name="weather",
    ),
    Endpoint(
        operation="get_weather_index_calibrations",
        path="/live_data/weather/{city}/calibrations",
        signed=False,
        params=(_CITY,),
        fresh_s=HOUR_S,
        name="weather_calibrations",
    ),
    Endpoint(
        operation="get_live_data",
        path="/live_data/{type}/milestone/{milestone_id}",
        signed=False,
        params=(Param("type", where="path", required=True), _MILESTONE_ID, _PLAYER_STATS),
        fresh_s=5,
        name="live_data_of_type",
    ),
    Endpoint(
        operation="get_structured_targets",
        path="/structured_targets",
        signed=False,
        params=(
            Param("ids", serialization="repeat", max_items=2000),
            Param("type"),
            Param("competition"),
            Param("page_size", "integer", minimum=1, maximum=2000),
            CURSOR,
        ),
        fresh_s=HOUR_S,
        name="structured_targets",
    ),
    Endpoint(
        operation="get_structured_target",
        path="/structured_targets/{structured_target_id}",
        signed=False,
        params=(Param("structured_target_id", where="path", required=True),),
        fresh_s=HOUR_S,
        name="structured_target",
    ),
    Endpoint(
        operation="get_incentive_programs",
        path="/incentive_programs",
        signed=False,
        params=(
            Param("status", choices=("all", "active", "upcoming", "closed", "paid_out")),
            Param(
                "type",
                choices=("all", "liquidity", "volume", "margin_maker_volume", "margin_taker_volume"),
            ),
            Param("incentive_description"),
            limit(1, 10_000),
            CURSOR,
        ),
        fresh_s=HOUR_S,
        name="incentives",
    ),
)
