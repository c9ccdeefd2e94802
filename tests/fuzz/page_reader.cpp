// A page gives the same records and the same error however it is cut, within its limits, with a scanner and
// without.
#include "fuzz.hpp"

#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/aoss/simdjson_scanner.hpp>
#include <lokiship/text/utf8.hpp>

#include <optional>
#include <utility>
#include <vector>

using namespace lokiship;
using fuzz::cutter;
using fuzz::require;

namespace {

constexpr aoss::page_limits limits{.max_field_size = 64, .max_depth = 8};

struct reading {
    std::vector<aoss::execution_record> records{};
    std::optional<error_code> failure{};
    std::uint64_t executions = 0;
};

reading read(std::string_view text, cutter::way way, aoss::record_scanner* scanner = nullptr) {
    reading out;
    aoss::page_reader reader([&](const aoss::execution_record& r) { out.records.push_back(r); }, limits,
                             scanner);
    for (cutter pieces(text, way); !pieces.done();)
        if (const auto r = reader.write(pieces.next()); !r) {
            require(!r.error().message.empty(), "an error has a message");
            const auto again = reader.finish();
            require(again.has_error() && again.error().message == r.error().message, "an error is repeated");
        }
    const auto end = reader.finish();
    if (!end) {
        out.failure = end.error().code;
        return out;
    }
    out.executions = end->executions();
    require(end->records == out.records.size(), "a page counts its records");
    require(end->executions_seen <= end->records, "an execution has a record");
    return out;
}

void check(const aoss::execution_record& r) {
    for (const auto* text :
         {&r.timestamp, &r.execution_id, &r.server_id, &r.server_tag, &r.agent_type, &r.command, &r.status,
          &r.standard_output, &r.standard_error, &r.execution_status}) {
        require(text->size() <= limits.max_field_size, "a field is within its limit");
        require(text::is_valid_utf8(*text), "a field is UTF-8");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    const auto whole = read(text, cutter::way::whole);
    for (const auto& r : whole.records)
        check(r);
    aoss::simdjson_scanner scanner;
    const std::pair<cutter::way, aoss::record_scanner*> others[] = {{cutter::way::bytes, nullptr},
                                                                    {cutter::way::pieces, nullptr},
                                                                    {cutter::way::pieces, &scanner},
                                                                    {cutter::way::whole, &scanner}};
    for (const auto& [way, with] : others) {
        const auto cut = read(text, way, with);
        require(cut.records == whole.records, "the records do not depend on the pieces");
        // Which of several errors of one text is found may depend on them.
        require(cut.failure.has_value() == whole.failure.has_value(),
                "whether it fails does not depend on the pieces");
        require((cut.failure == errc::page_truncated) == (whole.failure == errc::page_truncated),
                "whether it breaks off does not depend on the pieces");
        require(cut.executions == whole.executions, "the summary does not depend on the pieces");
    }
    return 0;
}
