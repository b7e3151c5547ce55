import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.errors import BadRequest, NotFound
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint, Param
from kalshi.upstream.params import Call, Params, validate

REPEATED = Endpoint(
    "get_books",
    "/books",
    promises="books",
    signed=False,
    fresh_s=1,
    params=(
        Param("tickers", required=True, serialization="repeat", max_items=3),
        Param("depth", "integer", maximum=100),
    ),
)

MARKET = {"series_ticker": "KXHIGHNY", "ticker": "KXHIGHNY-26NOV20-T61"}
CANDLES = (("start_ts", "1795000000"), ("end_ts", "1795100000"))


def check(operation: str, *query: tuple[str, str], api: bool = True, **path_args: str) -> Call:
    return validate(ENDPOINTS[operation], query, path_args, api=api)


def forwarded(operation: str, *query: tuple[str, str], **path_args: str) -> Params:
    return check(operation, *query, api=False, **path_args).params


@pytest.mark.parametrize(
    ("operation", "name", "given_value", "normal"),
    [
        ("get_orders", "limit", "05", "5"),
        ("get_orders", "limit", "1", "1"),
        ("get_orders", "limit", "1000", "1000"),
        ("get_orders", "min_ts", "-5", "-5"),
        ("get_orders", "min_ts", "-0", "0"),
        ("get_orders", "subaccount", "00", "0"),
        ("get_orders", "event_ticker", "KX-1,KX-2", "KX-1,KX-2"),
        ("get_orders", "cursor", "CgwI+/=_-x", "CgwI+/=_-x"),
        ("get_orders", "cursor", "a" * 2048, "a" * 2048),
        ("get_events", "with_nested_markets", "TRUE", "true"),
        ("get_events", "with_nested_markets", "False", "false"),
        ("get_events", "status", "settled", "settled"),
        ("get_events", "cursor", "Großer Preis", "Großer Preis"),
    ],
)
def test_it_normalises_good_values(operation: str, name: str, given_value: str, normal: str) -> None:
    assert dict(check(operation, (name, given_value)).params)[name] == normal


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("limit", "0", "from 1 to 1000"),
        ("limit", "-1", "from 1 to 1000"),
        ("limit", str(10**9), "from 1 to 1000"),
        ("limit", "1001", "from 1 to 1000"),
        ("limit", "abc", "from 1 to 1000"),
        ("limit", "１", "from 1 to 1000"),
        ("limit", "1_0", "from 1 to 1000"),
        ("limit", "+5", "from 1 to 1000"),
        ("limit", " 5", "from 1 to 1000"),
        ("limit", "5.0", "from 1 to 1000"),
        ("limit", "0x10", "from 1 to 1000"),
        ("limit", "9" * 10_000, "at most 2048 bytes"),
        ("limit", "", "leave it out"),
        ("exchange_index", "-1", "at least 0"),
        ("min_ts", str(2**63), "a whole number"),
        ("status", "pending", "resting, canceled, executed"),
        ("status", "RESTING", "resting, canceled, executed"),
        ("status", "resting,canceled", "resting, canceled, executed"),
        ("status", "", "leave it out"),
        ("cursor", "", "leave it out"),
        ("cursor", "a" * 2049, "at most 2048 bytes"),
        ("cursor", "ä" * 1025, "at most 2048 bytes"),
        ("cursor", "x" * 10_000, "at most 2048 bytes"),
        ("cursor", "a\x00b", "not allowed"),
        ("cursor", "a\r\nX-Evil: 1", "not allowed"),
        ("cursor", "a\u2028b", "not allowed"),
        ("cursor", "\udc80", "not allowed"),
        ("ticker", "   ", "leave it out"),
        ("event_ticker", ",".join(["KX"] * 11), "at most 10 values"),
        ("event_ticker", "KX,,KY", "leave it out"),
        ("event_ticker", ",", "leave it out"),
        ("nonsense", "1", "allowed: cursor, event_ticker"),
        ("LIMIT", "5", "allowed: cursor, event_ticker"),
        ("", "", "allowed: cursor, event_ticker"),
        ("n" * 10_000, "1", "allowed: cursor, event_ticker"),
        ("\x00\n", "1", "allowed: cursor, event_ticker"),
    ],
)
def test_it_refuses_bad_values_and_says_what_is_allowed(name: str, value: str, told: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        check("get_orders", (name, value))
    assert told in refusal.value.message
    assert len(refusal.value.message) < 300
    assert refusal.value.message.isprintable()


def test_it_refuses_a_boolean_that_is_neither_true_nor_false() -> None:
    with pytest.raises(BadRequest, match="true or false"):
        check("get_events", ("with_nested_markets", "1"))


def test_it_refuses_a_doubled_parameter_even_with_the_same_value() -> None:
    with pytest.raises(BadRequest, match="more than once"):
        check("get_orders", ("limit", "5"), ("limit", "5"))


def test_it_names_no_parameter_where_none_is_allowed() -> None:
    with pytest.raises(BadRequest, match="allowed: none"):
        check("get_market", ("limit", "5"), ticker="KX")


@pytest.mark.parametrize(
    "ticker", ["KXHIGHNY-26NOV20-T61.5", "A", "0", "kx_lower", "KX-1.5", "A" * 128, "KX..B", "KX-"]
)
def test_it_fills_a_good_ticker_into_the_path(ticker: str) -> None:
    assert check("get_market", ticker=ticker).path == f"/markets/{ticker}"


@pytest.mark.parametrize(
    "ticker",
    [
        *("", ".", "..", "../x", "..%2fx", "a/b", "a%2fb", "%41", "a b", "a\x00", "A\n", "\nA", "-A", "_A"),
        *("a?b", "a#b", "a;b", "{ticker}", "ＡＢ", "é", "A" * 129, "x" * 10_000, "a\\b", "a\r\nb"),
    ],
)
def test_it_knows_no_other_ticker_and_does_not_decode_twice(ticker: str) -> None:
    with pytest.raises(NotFound) as refusal:
        check("get_market", ticker=ticker)
    assert refusal.value.upstream_status is None
    assert refusal.value.message == "No such ticker."


@pytest.mark.parametrize(
    ("operation", "query", "expected"),
    [
        ("get_orders", (), (("limit", "100"),)),
        ("get_orders", (("status", "open"),), (("limit", "100"), ("status", "resting"))),
        ("get_orders", (("limit", "7"),), (("limit", "7"),)),
        ("get_events", (), (("limit", "100"), ("status", "open"), ("with_nested_markets", "true"))),
        ("get_events", (("status", "all"),), (("limit", "100"), ("with_nested_markets", "true"))),
        (
            "get_events",
            (("with_nested_markets", "false"), ("status", "closed")),
            (("limit", "100"), ("status", "closed"), ("with_nested_markets", "false")),
        ),
        ("get_balance", (), ()),
    ],
)
def test_our_own_api_has_its_defaults_and_aliases(
    operation: str, query: tuple[tuple[str, str], ...], expected: Params
) -> None:
    assert check(operation, *query).params == expected


def test_the_gateway_adds_nothing_to_what_was_said() -> None:
    assert forwarded("get_events") == forwarded("get_orders") == ()
    assert forwarded("get_market_candlesticks", **MARKET) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", value) for value in ("05", "0", "-1", "1001", "abc", "１", "5.0", "", " ", "9" * 2048)),
        *(("status", value) for value in ("open", "all", "RESTING", "resting,canceled", "")),
        *(("event_ticker", value) for value in (",".join(["KX"] * 11), "KX,,KY", "a b", "../x")),
        *(("cursor", value) for value in ("", "a\x00b", "a\r\nX-Evil: 1", "ä" * 1024, "a&b=c#d%2f")),
        *(("brand_new", value) for value in ("", "1", "x y", "é")),
        *((name, "1") for name in ("LIMIT", "n" * 100, "a.b-c_9", "-")),
    ],
)
def test_the_gateway_leaves_it_to_kalshi_what_a_value_is_worth(name: str, value: str) -> None:
    assert forwarded("get_orders", (name, value)) == ((name, value),)


def test_the_gateway_forwards_every_value_of_a_repeated_name_in_order() -> None:
    query = (("x", "2"), ("limit", "5"), ("x", "1"), ("limit", "5"))
    assert forwarded("get_orders", *query) == (("limit", "5"), ("limit", "5"), ("x", "2"), ("x", "1"))
    assert len(validate(REPEATED, [("tickers", "A")] * 4, {}, api=False).params) == 4


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ([("x", "a" * 2049)], "at most 2048 bytes"),
        ([("limit", "9" * 2049)], "at most 2048 bytes"),
        ([("x", "\udc80")], "not allowed"),
        ([("", "1")], "no name of a parameter"),
        ([("a b", "1")], "no name of a parameter"),
        ([("a\r\n", "1")], "no name of a parameter"),
        ([("ä", "1")], "no name of a parameter"),
        ([("n" * 101, "1")], "no name of a parameter"),
        ([(f"x{number}", "1") for number in range(21)], "at most 20 unknown"),
        ([("x", "1")] * 21, "at most 20 unknown"),
        ([("cursor", "c" * 2000)] * 40, "65536 bytes"),
    ],
)
def test_what_the_gateway_forwards_is_bounded(query: list[tuple[str, str]], told: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        forwarded("get_orders", *query)
    assert told in refusal.value.message
    assert refusal.value.message.isprintable() and len(refusal.value.message) < 200


def test_the_gateway_knows_no_other_paths_either() -> None:
    with pytest.raises(NotFound):
        forwarded("get_market", ticker="..")


def test_our_own_words_are_named_among_the_allowed_ones() -> None:
    with pytest.raises(BadRequest, match="unopened, open, closed, settled, all"):
        check("get_events", ("status", "finalized"))


def test_a_repeated_parameter_keeps_its_order_up_to_its_maximum() -> None:
    query = [("tickers", "B"), ("depth", "5"), ("tickers", "A")]
    call = validate(REPEATED, query, {}, api=True)
    assert call.params == (("depth", "5"), ("tickers", "B"), ("tickers", "A"))
    with pytest.raises(BadRequest, match="at most 3 values, not 4"):
        validate(REPEATED, [("tickers", "A")] * 4, {}, api=True)


@pytest.mark.parametrize(("value", "normal"), [("60", "60"), ("01", "1"), ("1440", "1440")])
def test_a_whole_number_out_of_a_few_is_normalised(value: str, normal: str) -> None:
    call = check("get_market_candlesticks", *CANDLES, ("period_interval", value), **MARKET)
    assert dict(call.params)["period_interval"] == normal


@pytest.mark.parametrize("value", ["5", "0", "-1", "1.0", "minute"])
def test_a_whole_number_that_is_none_of_the_few_is_refused(value: str) -> None:
    with pytest.raises(BadRequest, match=r"period_interval must be (one of 1, 60, 1440|a whole number)"):
        check("get_market_candlesticks", *CANDLES, ("period_interval", value), **MARKET)


@pytest.mark.parametrize(
    ("operation", "name", "value"),
    [
        ("get_order", "order_id", "813e8277-0445-426a-ac63-ac8aa3388100"),
        ("get_milestone", "milestone_id", "f3f1bb6c-58b7-4cf9-a6fd-0d4cb3d27a1d"),
        ("get_structured_target", "structured_target_id", "0f5b8b5c-4f6b-4e5e-8f43-6cf02b3a6a4e"),
        ("get_weather_index_calibrations", "city", "new_york"),
        ("get_multivariate_event_collection", "collection_ticker", "KXMVESPORTSMULTIGAMEEXTENDED-S2025"),
    ],
)
def test_the_ids_of_every_kind_fit_the_rule_of_paths(operation: str, name: str, value: str) -> None:
    assert value in check(operation, **{name: value}).path


def test_a_required_parameter_is_asked_for() -> None:
    with pytest.raises(BadRequest, match="tickers is required"):
        validate(REPEATED, [], {}, api=True)


NAMES = sorted({param.name for endpoint in ENDPOINTS.values() for param in endpoint.params})
QUERIES = st.lists(
    st.tuples(st.sampled_from(NAMES) | st.text(), st.integers().map(str) | st.text()), max_size=6
)


@given(st.sampled_from(sorted(ENDPOINTS)), QUERIES, st.text(), st.booleans())
def test_whatever_comes_it_accepts_or_refuses_and_accepting_is_stable(
    operation: str, query: list[tuple[str, str]], ticker: str, api: bool
) -> None:
    endpoint = ENDPOINTS[operation]
    path_args = {param.name: ticker for param in endpoint.params if param.where == "path"}
    try:
        call = validate(endpoint, query, path_args, api=api)
    except (BadRequest, NotFound) as refusal:
        assert refusal.message.isprintable() and refusal.message.endswith(".")
        return
    # The gateway changes nothing, so both ways share one cached answer.
    assert validate(endpoint, call.params, path_args, api=False) == call
    assert ".." not in call.path.split("/")


@given(st.permutations([("limit", "05"), ("cursor", "x"), ("status", "open"), ("ticker", "KX-1")]))
def test_the_order_of_parameters_does_not_matter(query: list[tuple[str, str]]) -> None:
    call = check("get_orders", *query, api=True)
    assert call.params == (("cursor", "x"), ("limit", "5"), ("status", "resting"), ("ticker", "KX-1"))
