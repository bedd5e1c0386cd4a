# Programs that carry their libraries within: of a shared library a process holds whole stretches of pages for the
# little that it uses, and pages for tables of symbols and relocations besides. libc stays shared: the resolution of
# names needs that of the machine.

find_library(TULLE_SSL_ARCHIVE libssl.a REQUIRED)
find_library(TULLE_CRYPTO_ARCHIVE libcrypto.a REQUIRED)
find_library(TULLE_NGHTTP2_ARCHIVE libnghttp2.a REQUIRED)
find_library(TULLE_RE2_ARCHIVE libre2.a REQUIRED)

# Debian has spdlog and fmt as shared libraries, and as headers that hold all of their code: an archive is compiled from
# these, of what is logged with.
set(log_code fmt/format-inl.h spdlog/common-inl.h spdlog/details/backtracer-inl.h spdlog/details/log_msg-inl.h
             spdlog/details/log_msg_buffer-inl.h spdlog/details/os-inl.h spdlog/details/periodic_worker-inl.h
             spdlog/details/registry-inl.h spdlog/logger-inl.h spdlog/pattern_formatter-inl.h
             spdlog/sinks/ansicolor_sink-inl.h spdlog/sinks/base_sink-inl.h spdlog/sinks/sink-inl.h
             spdlog/sinks/stdout_sinks-inl.h spdlog/spdlog-inl.h)
list(TRANSFORM log_code REPLACE "(.+)" "#include <\\1>\n")
string(JOIN "" log_code ${log_code})
file(CONFIGURE OUTPUT log_archive.cc @ONLY CONTENT [[
@log_code@
template char fmt::detail::decimal_point_impl(fmt::detail::locale_ref);
template fmt::detail::thousands_sep_result<char> fmt::detail::thousands_sep_impl(fmt::detail::locale_ref);
template class spdlog::sinks::stdout_sink_base<spdlog::details::console_mutex>;
template class spdlog::sinks::stderr_sink<spdlog::details::console_mutex>;
template std::shared_ptr<spdlog::logger> spdlog::stderr_logger_mt<spdlog::synchronous_factory>(const std::string&);
]])
add_library(tulle_log_archive STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/log_archive.cc)
target_compile_definitions(tulle_log_archive PUBLIC
                           $<TARGET_PROPERTY:spdlog::spdlog,INTERFACE_COMPILE_DEFINITIONS>)
target_compile_options(tulle_log_archive PRIVATE -ffunction-sections)

set(TULLE_STATIC_OF_OpenSSL::SSL ${TULLE_SSL_ARCHIVE} ${TULLE_CRYPTO_ARCHIVE})
set(TULLE_STATIC_OF_OpenSSL::Crypto ${TULLE_CRYPTO_ARCHIVE})
set(TULLE_STATIC_OF_PkgConfig::NGHTTP2 ${TULLE_NGHTTP2_ARCHIVE})
set(TULLE_STATIC_OF_PkgConfig::RE2 ${TULLE_RE2_ARCHIVE})
set(TULLE_STATIC_OF_spdlog::spdlog tulle_log_archive)

# tulle_either(OUT library ...): these libraries as rooms link them: shared, or static in a program that is static.
function(tulle_either out)
  set(either)
  foreach(library ${ARGN})
    if(DEFINED TULLE_STATIC_OF_${library})
      list(APPEND either "$<$<NOT:$<BOOL:$<TARGET_PROPERTY:TULLE_STATIC>>>:${library}>")
      foreach(archive ${TULLE_STATIC_OF_${library}})
        list(APPEND either "$<$<BOOL:$<TARGET_PROPERTY:TULLE_STATIC>>:${archive}>")
      endforeach()
    else()
      list(APPEND either ${library})
    endif()
  endforeach()
  set(${out} ${either} PARENT_SCOPE)
endfunction()

# tulle_static(PROGRAM): links it in that way, unless it is sanitized.
function(tulle_static program)
  if(TULLE_SANITIZE)
    return()
  endif()
  set_target_properties(${program} PROPERTIES TULLE_STATIC ON)
  target_link_options(${program} PRIVATE -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--as-needed
                                         -Wl,-z,pack-relative-relocs)
endfunction()
