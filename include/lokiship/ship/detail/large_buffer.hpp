#ifndef LOKISHIP_SHIP_DETAIL_LARGE_BUFFER_HPP
#define LOKISHIP_SHIP_DETAIL_LARGE_BUFFER_HPP

#include <lokiship/version.hpp>

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace lokiship::ship::detail {

struct free_memory {
    void operator()(char* at) const noexcept { std::free(at); }
};
using large_buffer = std::unique_ptr<char[], free_memory>;

/// Memory that is read all over the place, in pages of 2 MiB where the system has them: of small ones there are more than the
/// processor knows by heart, and each is an interruption when it is first touched.
inline large_buffer make_large_buffer(std::size_t size) {
    constexpr std::size_t page = std::size_t{2} << 20;
    large_buffer out(static_cast<char*>(std::aligned_alloc(page, (size + page - 1) / page * page)));
    if (!out)
        throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    // Whole ones; a part of one would take all of it.
    ::madvise(out.get(), size / page * page, MADV_HUGEPAGE);
#endif
    return out;
}

} // namespace lokiship::ship::detail

#endif
