# SPDX-License-Identifier: Apache-2.0
# Run at build time by version.cmake; writes the header only when its text changes.
cmake_minimum_required(VERSION 3.25)
set(commit "unknown")
set(dirty 0)
execute_process(COMMAND git -c safe.directory=* rev-parse HEAD WORKING_DIRECTORY ${SOURCE}
	OUTPUT_VARIABLE commit_out OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
if(NOT failed)
	set(commit "${commit_out}")
	execute_process(COMMAND git -c safe.directory=* status --porcelain --untracked-files=no
		WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE changes ERROR_QUIET)
	if(NOT "${changes}" STREQUAL "")
		set(dirty 1)
	endif()
endif()
file(CONFIGURE OUTPUT ${OUT}/iomodes_version.h @ONLY CONTENT
"/* made by cmake/write_version.cmake */
#pragma once
#define IOMODES_VERSION \"@VERSION@\"
#define IOMODES_COMMIT \"@commit@\"
#define IOMODES_DIRTY @dirty@
#define IOMODES_COMPILER \"@COMPILER@\"
#define IOMODES_FLAGS \"@FLAGS@\"
")
