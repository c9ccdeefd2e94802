// A checkpoint that is read is written and read as the same, and a stream goes on from it. The input is a
// whole file, or what is in one.
#include "fuzz.hpp"

#include <lokiship/ship/checkpoint.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace lokiship;
using fuzz::require;

namespace {

/// A folder that is gone in the end.
struct scratch {
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "lokiship-fuzz-XXXXXX").string();
        require(::mkdtemp(name.data()) != nullptr, "there is a temporary folder");
        folder = name;
    }
    ~scratch() { std::filesystem::remove_all(folder); }
    std::filesystem::path folder;
};

/// Writes it as backfill does.
std::string written(const ship::checkpoint& c) {
    static const scratch place;
    const std::string path = place.folder / "checkpoint";
    std::vector<std::string> texts;
    for (const auto& s : c.streams)
        texts.push_back(ship::to_text(s));
    const std::vector<std::string_view> streams(texts.begin(), texts.end());
    require(ship::write_checkpoint(path, c, streams).has_value(), "a checkpoint is written");
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Settles two more entries.
void go_on(const ship::checkpoint::stream& s) {
    ship::stream_progress progress(s.outcomes, s.prefixes);
    require(progress.settled() == s.settled(), "a stream goes on from what is settled");
    std::uint64_t entries = 0;
    for (const auto& r : s.outcomes) {
        require(r.count <= s.settled() - entries, "the outcomes are those of what is settled");
        entries += r.count;
    }
    for (std::uint64_t i = 0; i != 2; ++i) {
        progress.take(i, {}, i == 0);
        progress.settle(s.settled() + i, ship::outcome::shipped());
    }
    require(progress.settled() == s.settled() + 2, "two more are settled");
    std::uint64_t last = 0;
    for (const auto& p : progress.prefixes()) {
        require(p.entries > last, "prefixes ascend");
        last = p.entries;
    }
}

void check(std::string_view text) {
    const auto c = ship::parse_checkpoint(text);
    if (!c) {
        require(c.error().code == errc::unusable_checkpoint, "an error is one of the checkpoint");
        return;
    }
    const auto first = written(*c);
    const auto again = ship::parse_checkpoint(first);
    require(again.has_value() && *again == *c, "what is written is read as the same", first);
    for (const auto& s : c->streams) {
        require(c->find(s.labels) != nullptr, "a stream is found");
        go_on(s);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    check(text);
    const std::string_view content[] = {text};
    check(ship::detail::seal(ship::detail::checkpoint_kind, content) += text);
    return 0;
}
