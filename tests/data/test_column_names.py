import pytest

from jaxfr.data.column_names import Role, named_role

NAMES = {
    Role.USER: "user_id userId User-ID userid reviewerID listener member visitorid "
    "customer_id user_name user_id:token",
    Role.ITEM: "item_id movieId ISBN asin parent_asin track book business_id artistID "
    "movie_title item_id:token songs",
    Role.TIME: "timestamp unixReviewTime datetime date last_watch_dt review_date "
    "created_at rated_at rating_timestamp event_time timestamp:float time_ms Time",
    Role.RATING: "rating Book-Rating score stars count weight plays play_time playtime "
    "hours watched_pct total_dur time_spent date_count user_rating rating:float",
    Role.INDEX: "index __index_level_0__ level_0 Unnamed:0",
    Role.OTHER: "release_date birth_date",
    None: "foo user_age movie_genre candidate_id session_id watch_time id u1 overall",
}


@pytest.mark.parametrize("role", NAMES)
def test_names_are_understood_by_their_words(role):
    for name in NAMES[role].split():
        named = named_role(name)
        assert (name, named and named.role) == (name, role)


def test_the_first_column_that_pandas_writes_has_no_name():
    assert named_role("") == (Role.INDEX, 0)
