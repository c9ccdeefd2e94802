#ifndef LOKISHIP_AOSS_STEP_KEY_HPP
#define LOKISHIP_AOSS_STEP_KEY_HPP

#include <lokiship/aoss/execution_record.hpp>
#include <lokiship/text/stable_hash.hpp>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace lokiship::aoss {

/// What makes a step the same step when it is read again: execution and step number as they are, and a hash
/// of status and line. The same step number with another outcome (a retried command) is another step.
/// `execution_status` is no part of it, since it changes for every step when an execution ends.
struct step_key {
    /// The execution's UUID, or the UUID v5 (SHA-1) of an id that is none.
    std::uint64_t execution_high = 0, execution_low = 0;
    std::int64_t step = 0;
    std::uint64_t content = 0;

    friend auto operator<=>(const step_key&, const step_key&) = default;
};

/// Found by `boost::hash`.
inline std::size_t hash_value(const step_key& k) noexcept {
    // `content` is a hash already, of all but which step of what it is.
    return static_cast<std::size_t>(
        k.content ^
        ((k.execution_high ^ k.execution_low) + static_cast<std::uint64_t>(k.step)) * 0x9e3779b97f4a7c15);
}

namespace detail {

/// The UUID that a text is, in the usual form. Boost's generator reads each digit by a search, which is a tenth of what a record
/// costs.
inline bool parse_uuid(std::string_view id, boost::uuids::uuid& out) noexcept {
    static constexpr auto digits = [] {
        std::array<unsigned char, 256> t{};
        t.fill(0xff);
        for (unsigned char i = 0; i != 10; ++i)
            t['0' + i] = i;
        for (unsigned char i = 0; i != 6; ++i)
            t['a' + i] = t['A' + i] = static_cast<unsigned char>(10 + i);
        return t;
    }();
    static constexpr unsigned char places[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
    if (id.size() != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-')
        return false;
    unsigned wrong = 0;
    for (std::size_t i = 0; i != 16; ++i) {
        const unsigned high = digits[static_cast<unsigned char>(id[places[i]])];
        const unsigned low = digits[static_cast<unsigned char>(id[places[i] + 1u])];
        wrong |= high | low;
        out.data[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return wrong < 16;
}

} // namespace detail

/// The key of a record whose line is `line`.
inline step_key make_step_key(const execution_record& record, std::string_view line) {
    const std::string_view id = record.execution_id;
    boost::uuids::uuid uuid;
    if (!detail::parse_uuid(id, uuid))
        uuid = boost::uuids::name_generator_sha1(boost::uuids::ns::oid())(id.data(), id.size());
    step_key out;
    std::memcpy(&out.execution_high, uuid.data, 8);
    std::memcpy(&out.execution_low, uuid.data + 8, 8);
    // No step at all is not step 0, the placeholder.
    out.step = record.step.value_or(-1);
    out.content = text::stable_hash(text::stable_hash(0, record.status), line);
    return out;
}

/// The execution's UUID, as it was or as `make_step_key` made it.
inline std::string execution_id(const step_key& k) {
    boost::uuids::uuid uuid;
    std::memcpy(uuid.data, &k.execution_high, 8);
    std::memcpy(uuid.data + 8, &k.execution_low, 8);
    return boost::uuids::to_string(uuid);
}

} // namespace lokiship::aoss

#endif
