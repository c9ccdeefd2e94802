#ifndef LOKISHIP_AOSS_SIMDJSON_SCANNER_HPP
#define LOKISHIP_AOSS_SIMDJSON_SCANNER_HPP

#include <lokiship/aoss/record_scanner.hpp>
#include <lokiship/text/detail/words.hpp>

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace lokiship::aoss {

/// Reads records by simdjson's On-Demand API, in about half of the reader's own time. Needs simdjson 3.0, which is linked
/// and picks the processor's instructions as the program runs. Keeps about half a megabyte.
///
/// Made for JSON as the backend writes it, without blanks between records. A page in which it meets something that is wrong
/// goes to the reader, whose error says what.
class simdjson_scanner final : public record_scanner {
public:
    simdjson_scanner() { buffer_.resize(reach + 1 + simdjson::SIMDJSON_PADDING); }

    bool scan(detail::page_handler& handler, std::string_view& text) override {
        const std::size_t size = text.starts_with(",{") ? last_end(text.substr(0, reach)) : 0;
        if (size == 0)
            return true;
        // As an array: its bracket takes the place of the first comma.
        std::memcpy(buffer_.data(), text.data(), size);
        buffer_.front() = '[';
        buffer_[size] = ']';
        // simdjson looks at what follows, where it is a page before this one.
        std::memset(buffer_.data() + size + 1, 0, simdjson::SIMDJSON_PADDING);
        json::document document;
        json::array records;
        if (parser_.iterate(buffer_.data(), size + 1, buffer_.size()).get(document) ||
            document.get_array().get(records))
            return false;
        std::size_t done = 0;
        for (auto element : records) {
            json::object record;
            if (element.get_object().get(record))
                break;
            if (!read_record(handler, record)) {
                handler.abandon_record();
                break;
            }
            const char* next = nullptr;
            if (document.current_location().get(next))
                break;
            done = static_cast<std::size_t>(next - buffer_.data());
        }
        text.remove_prefix(done);
        return done == size;
    }

private:
    struct json {
        using array = simdjson::ondemand::array;
        using document = simdjson::ondemand::document;
        using field = simdjson::ondemand::field;
        using object = simdjson::ondemand::object;
        using type = simdjson::ondemand::json_type;
        using value = simdjson::ondemand::value;
    };

    /// Behind the last brace that seems to end a record before another one, or 0. One within a string leaves that string
    /// open, and one within a record leaves the record open; both are errors.
    static std::size_t last_end(std::string_view text) noexcept {
        static constexpr std::string_view between = "},{\"";
        for (std::size_t at = text.rfind(between); at != text.npos && at != 0;
             at = text.rfind(between, at - 1)) {
            // Within a string there is no quote but that which ends it.
            const std::size_t next = at + between.size();
            if (next != text.size() &&
                std::string_view(",:}] \t\r\n").find(text[next]) == std::string_view::npos)
                return at + 1;
        }
        return 0;
    }

    /// A key as it stands in the page, with the quote behind it, and the field that it names, if that is read.
    struct known_key {
        std::string text;
        const detail::page_field* field = nullptr;
    };

    bool read_record(detail::page_handler& handler, json::object& record) {
        error_code ec;
        if (!handler.on_object_begin(ec))
            return false;
        const std::size_t depth = std::min(handler.max_depth_in_record(), max_depth);
        std::size_t i = 0;
        for (auto item : record) {
            // In place: the copies of its parts are what would take longest.
            if (item.error())
                return false;
            json::field& field = item.value_unsafe();
            const detail::page_field* found = nullptr;
            if (!find_field(field, i++, found))
                return false;
            if (found)
                handler.begin_field(found);
            if (!(found ? read_value(handler, field.value()) : skip_value(field.value(), depth)))
                return false;
        }
        return handler.on_object_end(0, ec);
    }

    /// Each record has its keys in the order of the last one's.
    bool find_field(json::field& field, std::size_t place, const detail::page_field*& out) {
        if (place < keys_.size()) {
            const known_key& k = keys_[place];
            if (!k.text.empty() && text::detail::same({field.key().raw(), k.text.size()}, k.text)) {
                out = k.field;
                return true;
            }
        }
        std::string_view name;
        if (field.unescaped_key().get(name))
            return false;
        out = detail::find_record_field(name);
        // What may be compared is the padding's size; escaped, a key has other bytes.
        if (place < max_keys && name.size() < simdjson::SIMDJSON_PADDING &&
            name.find_first_of("\"\\") == name.npos) {
            keys_.resize(std::max(keys_.size(), place + 1));
            keys_[place] = {std::string(name) + '"', out};
        }
        return true;
    }

    static bool read_value(detail::page_handler& handler, json::value& value) {
        error_code ec;
        json::type type;
        if (value.type().get(type))
            return false;
        if (type == json::type::string) {
            std::string_view text;
            return !value.get_string().get(text) && handler.on_valid_string(text, ec);
        }
        if (type == json::type::number) {
            std::int64_t number = 0;
            return !value.get_int64().get(number) && handler.on_int64(number, {}, ec);
        }
        return type == json::type::null && is_null(value) && handler.on_null(ec);
    }
    static bool is_null(json::value& value) {
        bool out = false;
        return !value.is_null().get(out) && out;
    }

    static bool is_number(json::value& value) {
        // How large an exponent may be is for the reader to say.
        return value.raw_json_token().find_first_of("eE") == std::string_view::npos &&
               !value.get_number().error();
    }

    /// Over a value that is not read but must be JSON all the same. May nest `depth` deep.
    static bool skip_value(json::value& value, std::size_t depth) {
        json::type type;
        if (value.type().get(type))
            return false;
        if (depth == 0 && (type == json::type::array || type == json::type::object))
            return false;
        switch (type) {
        case json::type::string:
            return !value.get_string().error();
        case json::type::number:
            return is_number(value);
        case json::type::boolean:
            return !value.get_bool().error();
        case json::type::null:
            return is_null(value);
        case json::type::array: {
            json::array array;
            if (value.get_array().get(array))
                return false;
            for (auto item : array)
                if (item.error() || !skip_value(item.value_unsafe(), depth - 1))
                    return false;
            return true;
        }
        case json::type::object: {
            json::object object;
            if (value.get_object().get(object))
                return false;
            for (auto item : object)
                if (item.error() || item.value_unsafe().unescaped_key().error() ||
                    !skip_value(item.value_unsafe().value(), depth - 1))
                    return false;
            return true;
        }
        }
        return false;
    }

    static constexpr std::size_t max_keys = 64;
    /// Deeper ones are left to the reader.
    static constexpr std::size_t max_depth = 8;

    simdjson::ondemand::parser parser_;
    std::vector<char> buffer_;
    std::vector<known_key> keys_;
};

} // namespace lokiship::aoss

#endif
