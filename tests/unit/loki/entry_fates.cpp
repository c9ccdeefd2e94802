#include <lokiship/loki/entry_fates.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(entry_fates_)

using namespace lokiship;
using namespace std::chrono_literals;
using loki::entry_fate;
using loki::pushed_entry;
using loki::reject_reason;

namespace {

const timestamp start(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23));

/// One entry an hour of 10 bytes.
std::vector<pushed_entry> hourly(std::size_t n, bool sent_before = false) {
    std::vector<pushed_entry> out;
    for (std::size_t i = 0; i != n; ++i)
        out.push_back({start + 1h * static_cast<int>(i) + 1ns, 10, sent_before});
    return out;
}

loki::push_reply rejected(std::string_view body) {
    return loki::read_push_reply({400, {}}, body);
}
std::string behind(std::size_t n, std::size_t of, std::string_view cutoff) {
    return "entry with timestamp 2026-11-23 00:00:00 +0000 UTC ignored, reason: 'entry too far behind, "
           "oldest "
           "acceptable timestamp is: " +
           std::string(cutoff) + "',\nuser 'fake', total ignored: " + std::to_string(n) + " out of " +
           std::to_string(of) + " for stream: {job=\"aoss\"}\n";
}

/// `S` stored, `R` refused, `?` unknown; one letter an entry.
std::string letters(const std::vector<entry_fate>& fates) {
    std::string out;
    for (const auto& f : fates)
        out += f.what == entry_fate::kind::stored ? 'S' : f.what == entry_fate::kind::refused ? 'R' : '?';
    return out;
}
std::string fates(std::string_view body, const std::vector<pushed_entry>& batch,
                  std::optional<timestamp> newest = std::nullopt) {
    return letters(loki::entry_fates(rejected(body), batch, batch.size(), newest, 1h));
}

} // namespace

BOOST_AUTO_TEST_CASE(delivered_is_stored) {
    BOOST_TEST(letters(loki::entry_fates({}, hourly(3), 2, {}, 1h)) == "SS");
}

BOOST_AUTO_TEST_CASE(too_far_behind_are_the_oldest) {
    BOOST_TEST(fates(behind(2, 5, "2026-11-23T01:30:00Z"), hourly(5)) == "RRSSS");
    BOOST_TEST(fates(behind(5, 5, "2026-11-25T01:30:00Z"), hourly(5)) == "RRRRR");
    // The cutoff is cut to the second: the entry at 2 h and 1 ns may be on either side of it.
    BOOST_TEST(fates(behind(3, 5, "2026-11-23T02:00:00Z"), hourly(5)) == "RRRSS");
    BOOST_TEST(fates(behind(2, 5, "2026-11-23T02:00:00Z"), hourly(5)) == "RRSSS");
}

BOOST_AUTO_TEST_CASE(a_text_that_does_not_fit_the_entries_leaves_all_open) {
    BOOST_TEST(fates(behind(3, 5, "2026-11-23T01:30:00Z"), hourly(5)) == "?????");
    BOOST_TEST(fates(behind(1, 5, "2026-11-23T01:30:00Z"), hourly(5)) == "?????");
    BOOST_TEST(fates(behind(6, 5, "2026-11-25T01:30:00Z"), hourly(5)) == "?????");
    BOOST_TEST(fates(behind(0, 5, "2026-11-23T01:30:00Z"), hourly(5)) == "?????");
    // Others were refused before the ingester, and its text hides whose.
    BOOST_TEST(fates(behind(2, 4, "2026-11-23T01:30:00Z"), hourly(5)) == "?????");
    BOOST_TEST(fates("<html>400</html>", hourly(5)) == "?????");
    BOOST_TEST(fates("", hourly(5)) == "?????");
}

BOOST_AUTO_TEST_CASE(more_refusals_than_entries_leave_all_open) {
    const auto old_and_new = [](int old_ones, int new_ones) {
        return std::to_string(old_ones) +
               " errors like: entry for stream '{}' has timestamp too old: 2026-11-01T00:00:00Z, oldest "
               "acceptable "
               "timestamp is: 2026-11-23T03:30:00Z; " +
               std::to_string(new_ones) +
               " errors like: entry for stream '{}' has timestamp too new: 2027-01-01T00:00:00Z";
    };
    BOOST_TEST(fates(old_and_new(4, 1), hourly(5)) == "RRRRR");
    BOOST_TEST(fates(old_and_new(4, 2), hourly(5)) == "?????");
}

BOOST_AUTO_TEST_CASE(a_cutoff_may_be_any_time) {
    BOOST_TEST(fates(behind(5, 5, "2262-04-11T23:47:16Z"), hourly(5)) == "RRRRR");
    BOOST_TEST(fates(behind(1, 5, "1677-09-21T00:12:44Z"), hourly(5)) == "?????");
}

BOOST_AUTO_TEST_CASE(one_entry_is_never_open) {
    for (const char* body : {"", "<html>400</html>", "couldn't parse labels: 1:3"})
        BOOST_TEST(fates(body, hourly(1)) == "R");
    const auto fate = loki::entry_fates(rejected("x has timestamp too new: y"), hourly(1), 1, {}, 1h).at(0);
    BOOST_CHECK(fate.reason == reject_reason::too_far_in_future);
}

BOOST_AUTO_TEST_CASE(what_the_distributor_names_is_refused) {
    const std::string old =
        "2 errors like: entry for stream '{}' has timestamp too old: 2026-11-23T00:00:00Z, oldest "
        "acceptable timestamp is: 2026-11-23T01:30:00Z";
    const std::string young =
        "1 errors like: entry for stream '{}' has timestamp too new: 2026-11-23T05:00:00Z";
    const std::string large =
        "1 errors like: Max entry size '100' bytes exceeded for stream '{}' while adding an entry with "
        "length '101' bytes";
    auto batch = hourly(6);
    BOOST_TEST(fates(old, batch) == "RRSSSS");
    BOOST_TEST(fates(young, batch) == "SSSSSR");
    batch[3].size = 101;
    BOOST_TEST(fates(large, batch) == "SSSRSS");
    for (const auto& text : {old + "; " + young + "; " + large, large + "; " + young + "; " + old})
        BOOST_TEST(fates(text, batch) == "RRSRSR");
    // Too old and too long is too old.
    batch[0].size = 500;
    BOOST_TEST(fates(large + "; " + old, batch) == "RRSRSS");
    batch[5].size = 500;
    BOOST_TEST(fates(large, batch) == "??????");
}

BOOST_AUTO_TEST_CASE(a_label_rule_refuses_the_whole_stream) {
    BOOST_TEST(fates("stream '{}' has label value too long: 'x'", hourly(4)) == "RRRR");
}

BOOST_AUTO_TEST_CASE(a_batch_that_meets_its_own_newest_was_stored) {
    // Sent before: the newest is at 4 h and 1 ns, so Loki states 3 h.
    BOOST_TEST(fates(behind(3, 5, "2026-11-23T03:00:00Z"), hourly(5, true)) == "SSSSS");
    // A foreign entry moved the bar: what is refused is refused.
    BOOST_TEST(fates(behind(3, 5, "2026-11-23T02:30:00Z"), hourly(5, true)) == "RRRSS");
    // What was never sent before cannot be there.
    BOOST_TEST(fates(behind(3, 5, "2026-11-23T03:00:00Z"), hourly(5, false)) == "RRRSS");
    // By an entry that was settled already.
    BOOST_TEST(fates(behind(5, 5, "2026-11-23T09:00:00Z"), hourly(5, true), start + 10h) == "SSSSS");
    BOOST_TEST(fates(behind(1, 1, "2026-11-23T09:00:00Z"), hourly(1, true), start + 10h) == "S");
    BOOST_TEST(fates(behind(1, 1, "2026-11-23T09:00:01Z"), hourly(1, true), start + 10h) == "R");
    // Late, and sent for the first time.
    BOOST_TEST(fates(behind(1, 1, "2026-11-23T09:00:00Z"), hourly(1, false), start + 10h) == "R");
}

BOOST_AUTO_TEST_CASE(a_part_may_meet_the_newest_of_its_whole_batch) {
    const auto batch = hourly(8, true);
    const auto got = loki::entry_fates(rejected(behind(4, 4, "2026-11-23T06:00:00Z")), batch, 4, {}, 1h);
    BOOST_TEST(letters(got) == "SSSS");
}

BOOST_AUTO_TEST_CASE(what_concerns_structured_metadata_concerns_those_that_have_some) {
    const std::string metadata =
        " errors like: stream '{}' includes structured metadata, but this feature is disallowed";
    auto batch = hourly(5);
    for (const std::size_t i : {1u, 2u, 4u})
        batch[i].with_metadata = true;
    BOOST_TEST(fates("3" + metadata, batch) == "SRRSR");
    BOOST_TEST(fates("2" + metadata, batch) == "?????");
    // What is too old is not looked at any further.
    BOOST_TEST(fates("2 errors like: entry for stream '{}' has timestamp too old: 2026-11-23T00:00:00Z, "
                     "oldest acceptable "
                     "timestamp is: 2026-11-23T01:30:00Z; 2" +
                         metadata,
                     batch) == "RRRSR");
}

BOOST_AUTO_TEST_SUITE_END()
