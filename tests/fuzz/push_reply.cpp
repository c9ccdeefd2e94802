// What Loki's answer to a push means for each entry. The first line: status, and perhaps Retry-After; then
// the body.
#include "fuzz.hpp"

#include <lokiship/loki/entry_fates.hpp>
#include <lokiship/loki/push_reply.hpp>
#include <lokiship/text/utf8.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <vector>

using namespace lokiship;
using namespace std::chrono_literals;
using fuzz::require;
using kind = loki::entry_fate::kind;
using verdict = loki::push_reply::verdict;

namespace {

/// One entry an hour from 2026-11-23 on, ever longer.
std::vector<loki::pushed_entry> some_entries(bool sent_before) {
    std::vector<loki::pushed_entry> out;
    for (int i = 0; i != 5; ++i)
        out.push_back({timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23)) + 1h * i + 1ns,
                       50 * static_cast<std::size_t>(i), sent_before});
    return out;
}

void check(const loki::push_reply& r, unsigned status, std::string_view body) {
    require((r.what == verdict::delivered) == (status == 204 || (status == 200 && body.empty())),
            "only 204 and an empty 200 mean stored");
    require(!r.nothing_stored || (r.what != verdict::delivered && r.what != verdict::rejected),
            "what stored nothing is sent again");
    require(!r.retry_after || (*r.retry_after >= 0s && *r.retry_after <= 1h),
            "no wait is longer than an hour");
    require(r.refusals.empty() || r.what == verdict::rejected, "only a rejection has refusals");
    for (const auto& a : r.refusals)
        require(std::count_if(r.refusals.begin(), r.refusals.end(),
                              [&](const loki::refusal& b) { return a.reason == b.reason; }) == 1,
                "each reason is there once");
    require(r.text.size() < 2000 && text::is_valid_utf8(r.text), "the text is short and UTF-8");
    require(std::none_of(r.text.begin(), r.text.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }),
            "the text is of one line");
}

std::size_t doubled(std::size_t n) {
    return n > std::numeric_limits<std::size_t>::max() / 2 ? std::numeric_limits<std::size_t>::max() : 2 * n;
}

/// A list of groups and the same list again tell of twice as many.
void check_sum(const loki::push_reply& once, const http::response_head& head, std::string_view body) {
    // Blanks at the end are no part of it, and the last words of a group may end with one.
    body = body.substr(0, body.find_last_not_of(" \r\n") + 1);
    const auto end = body.find(" errors like: ");
    if (once.refusals.empty() || end == 0 || end == body.npos ||
        body.substr(0, end).find_first_not_of("0123456789") != body.npos)
        return;
    require(once.refusals[0].entries >= loki::detail::leading_number(body).value_or(0),
            "a sum is no less than its parts");
    const auto twice = loki::read_push_reply(head, std::string(body) + "; " + std::string(body));
    require(twice.refusals.size() == once.refusals.size(), "no reason is added");
    for (std::size_t i = 0; i != once.refusals.size(); ++i)
        require(twice.refusals[i].entries == doubled(once.refusals[i].entries), "groups are added up");
}

void check_fates(const loki::push_reply& r) {
    const auto batch = some_entries(false), again = some_entries(true);
    for (const std::size_t n : {1u, 3u, 5u}) {
        const auto fates = loki::entry_fates(r, batch, n, std::nullopt, 1h);
        require(fates.size() == n, "each entry has a fate");
        const auto count = [&](kind k) {
            return static_cast<std::size_t>(std::count_if(
                fates.begin(), fates.end(), [k](const loki::entry_fate& f) { return f.what == k; }));
        };
        require(r.what != verdict::delivered || count(kind::stored) == n, "what is delivered is stored");
        require(count(kind::unknown) == 0 || count(kind::unknown) == n, "all is known, or nothing");
        if (n == 1 && r.what == verdict::rejected)
            require(count(kind::refused) == 1, "one entry alone is refused");
        if (n > 1 && r.what == verdict::rejected && count(kind::unknown) == 0 &&
            !loki::concerns_labels(r.reason)) {
            std::size_t told = 0;
            for (const auto& refusal : r.refusals) {
                require(refusal.entries <= n, "no more are refused than there are");
                told += refusal.entries;
            }
            require(count(kind::refused) == told, "as many are refused as Loki says");
        }
        const auto own = loki::entry_fates(r, again, n, batch.back().time, 1h);
        for (std::size_t i = 0; i != n; ++i)
            require(own[i] == fates[i] || (fates[i].reason == loki::reject_reason::too_far_behind &&
                                           own[i].what == kind::stored),
                    "only what is too far behind can have been stored before");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto body = fuzz::view(data, size);
    const auto line = fuzz::take_line(body);
    http::response_head head{400, {}};
    static_cast<void>(std::from_chars(line.data(), line.data() + line.size(), head.status));
    if (const auto at = line.find(' '); at != line.npos)
        head.fields.add("Retry-After", std::string(line.substr(at + 1)));

    const auto reply = loki::read_push_reply(head, body);
    check(reply, head.status, body);
    const auto cut = loki::read_push_reply(head, body, false);
    require(cut.what == reply.what && cut.refusals.empty(), "a part of a text tells no numbers");
    check_sum(reply, head, body);
    if (reply.what == verdict::delivered || reply.what == verdict::rejected)
        check_fates(reply);
    return 0;
}
