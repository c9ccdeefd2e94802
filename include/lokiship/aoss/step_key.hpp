#ifndef LOKISHIP_AOSS_STEP_KEY_HPP
#define LOKISHIP_AOSS_STEP_KEY_HPP

#include <lokiship/aoss/execution_record.hpp>
#include <lokiship/text/stable_hash.hpp>

#include <boost/container_hash/hash.hpp>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <algorithm>
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
    std::size_t seed = 0;
    boost::hash_combine(seed, k.execution_high);
    boost::hash_combine(seed, k.execution_low);
    boost::hash_combine(seed, k.step);
    boost::hash_combine(seed, k.content);
    return seed;
}

/// The key of a record whose line is `line`.
inline step_key make_step_key(const execution_record& record, std::string_view line) {
    const std::string_view id = record.execution_id;
    const auto is_hex = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    bool is_uuid = id.size() == 36;
    for (std::size_t i = 0; is_uuid && i != 36; ++i)
        is_uuid = (i == 8 || i == 13 || i == 18 || i == 23) ? id[i] == '-' : is_hex(id[i]);
    const boost::uuids::uuid uuid =
        is_uuid ? boost::uuids::string_generator()(id.begin(), id.end())
                : boost::uuids::name_generator_sha1(boost::uuids::ns::oid())(id.data(), id.size());
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
