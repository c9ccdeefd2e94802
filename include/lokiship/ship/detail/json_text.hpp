#ifndef LOKISHIP_SHIP_DETAIL_JSON_TEXT_HPP
#define LOKISHIP_SHIP_DETAIL_JSON_TEXT_HPP

#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/acknowledged_window.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace lokiship::ship::detail {

// What the files of ours have in common. Reading throws where something else is there.

inline boost::json::value to_json(std::optional<timestamp> t) {
    return t ? boost::json::value(text::to_unix_nanoseconds(*t)) : boost::json::value(nullptr);
}
inline std::optional<timestamp> time_from(const boost::json::value& v) {
    if (v.is_null())
        return std::nullopt;
    return text::from_unix_nanoseconds(boost::json::value_to<std::int64_t>(v));
}

inline boost::json::object to_json(const loki::labels& set) {
    boost::json::object out;
    for (const auto& l : set)
        out[l.name] = l.value;
    return out;
}
inline loki::labels labels_from(const boost::json::value& v) {
    loki::labels out;
    for (const auto& l : v.as_object())
        out.set({l.key().data(), l.key().size()}, boost::json::value_to<std::string>(l.value()));
    return out;
}

inline boost::json::array to_json(const acknowledged_window& w) {
    return {to_json(w.oldest), to_json(w.newest), to_json(w.bar), to_json(w.at)};
}
inline acknowledged_window window_from(const boost::json::value& v) {
    const auto& a = v.as_array();
    return {time_from(a.at(0)).value(), time_from(a.at(1)).value(), time_from(a.at(2)).value(),
            time_from(a.at(3)).value()};
}

} // namespace lokiship::ship::detail

#endif
