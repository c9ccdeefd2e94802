#ifndef LOKISHIP_SHIP_REJECTION_HPP
#define LOKISHIP_SHIP_REJECTION_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/loki/push_reply.hpp>
#include <lokiship/steady_time.hpp>
#include <lokiship/text/escape.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lokiship::ship {

/// An entry that Loki refused for good. References are valid during the call that hands it on.
struct rejection {
    const loki::labels& labels;
    const loki::entry& entry;
    const aoss::step_key& key;
    loki::reject_reason reason;
    /// What Loki answered, for people, escaped; or why it was not asked.
    std::string_view text;
};

/// Decides which rejections are worth a line of log: of each reason the first, and then one a minute at most, with
/// one example and how many there were since the last line. Pure.
class rejection_log {
public:
    /// The line to log, where this one is worth it.
    std::optional<std::string> add(const rejection& r, steady_time now) {
        auto& s = seen_[static_cast<std::size_t>(r.reason)];
        ++s.count;
        if (s.next && now < *s.next)
            return std::nullopt;
        std::string out = "Loki refuses entries";
        if (s.next)
            out = "Loki refused " + std::to_string(s.count) + " more";
        s.next = now + std::chrono::minutes(1);
        out += " (" + std::string(to_string(r.reason)) + "), for example step " + std::to_string(r.key.step) +
               " of execution " + aoss::execution_id(r.key) + " in " +
               text::escape_for_log(loki::to_string(r.labels)) + ": " + std::string(r.text);
        s.count = 0;
        return out;
    }

private:
    struct seen {
        std::uint64_t count = 0;
        std::optional<steady_time> next{};
    };
    std::array<seen, loki::reject_reason_count> seen_{};
};

} // namespace lokiship::ship

#endif
