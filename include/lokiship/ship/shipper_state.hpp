#ifndef LOKISHIP_SHIP_SHIPPER_STATE_HPP
#define LOKISHIP_SHIP_SHIPPER_STATE_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/error.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/acknowledged_window.hpp>
#include <lokiship/ship/detail/json_text.hpp>
#include <lokiship/ship/detail/sealed_text.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// What a shipper must know to go on after a restart as if there had been none.
struct shipper_state {
    struct stream {
        loki::labels labels;
        acknowledged_window acknowledged;

        friend bool operator==(const stream&, const stream&) = default;
    };

    /// Whose executions these are.
    std::string backend;
    /// The steps that are shipped or refused, the one seen longest ago first.
    std::vector<aoss::step_key> known{};
    /// All that is as old as this or younger must be read again. Empty: nothing was read in full.
    std::optional<timestamp> reach_back_to{};
    std::vector<stream> streams{};

    friend bool operator==(const shipper_state&, const shipper_state&) = default;
};

namespace detail {
inline constexpr sealed_kind state_kind{"state", 1, errc::unusable_state};
}

/// The text of a state: a line with version, CRC-32 and length, then JSON.
inline std::string to_text(const shipper_state& s) {
    boost::json::array known;
    known.reserve(s.known.size());
    for (const auto& k : s.known)
        known.push_back(boost::json::array{k.execution_high, k.execution_low, k.step, k.content});
    boost::json::array streams;
    for (const auto& f : s.streams)
        streams.push_back(boost::json::object{{"labels", detail::to_json(f.labels)},
                                              {"acknowledged", detail::to_json(f.acknowledged)}});
    std::string body =
        boost::json::serialize(boost::json::object{{"backend", s.backend},
                                                   {"known", std::move(known)},
                                                   {"reach_back_to", detail::to_json(s.reach_back_to)},
                                                   {"streams", std::move(streams)}});
    body += '\n';
    const std::string_view all[] = {body};
    return detail::seal(detail::state_kind, all) + body;
}

/// Reads such a text. Error `errc::unusable_state`: it is none, of another version, or damaged; nothing of it is used then.
inline result<shipper_state> parse_state(std::string_view text) try {
    const auto body = detail::unseal(detail::state_kind, text);
    if (!body)
        return body.error();
    const auto root = boost::json::parse({body->data(), body->size()}).as_object();
    shipper_state out;
    out.backend = boost::json::value_to<std::string>(root.at("backend"));
    for (const auto& v : root.at("known").as_array()) {
        const auto& a = v.as_array();
        out.known.push_back(
            {boost::json::value_to<std::uint64_t>(a.at(0)), boost::json::value_to<std::uint64_t>(a.at(1)),
             boost::json::value_to<std::int64_t>(a.at(2)), boost::json::value_to<std::uint64_t>(a.at(3))});
    }
    out.reach_back_to = detail::time_from(root.at("reach_back_to"));
    for (const auto& v : root.at("streams").as_array())
        out.streams.push_back({detail::labels_from(v.as_object().at("labels")),
                               detail::window_from(v.as_object().at("acknowledged"))});
    return out;
} catch (const std::exception& e) {
    return error(errc::unusable_state, "its content is not as it should be: " + std::string(e.what()));
}

} // namespace lokiship::ship

#endif
