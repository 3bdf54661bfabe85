# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, and the .deb that `cpack` makes of it.
# All programs lie in lib/iomodes, as iomodes looks for the loops beside itself (harness/cli/paths.h); what
# people call has a link in bin.
set(programs iomodes)
if(IOMODES_HARNESS)
	list(APPEND programs ioloop netloop)
	install(TARGETS spinner RUNTIME DESTINATION lib/iomodes)
endif()
install(TARGETS ${programs} RUNTIME DESTINATION lib/iomodes)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/links)
foreach(program ${programs})
	file(CREATE_LINK ../lib/iomodes/${program} ${CMAKE_BINARY_DIR}/links/${program} SYMBOLIC)
	install(FILES ${CMAKE_BINARY_DIR}/links/${program} DESTINATION bin)
endforeach()

install(DIRECTORY configs/ DESTINATION share/iomodes)
install(FILES packaging/completion/iomodes DESTINATION share/bash-completion/completions)
foreach(program ${programs})
	if(NOT program STREQUAL iomodes)
		file(CREATE_LINK iomodes ${CMAKE_BINARY_DIR}/links/completion-${program} SYMBOLIC)
		install(FILES ${CMAKE_BINARY_DIR}/links/completion-${program}
			DESTINATION share/bash-completion/completions RENAME ${program})
	endif()
endforeach()
install(FILES README.md docs/METHOD.md docs/NIGHTLY.md results/FORMAT.md DESTINATION share/doc/iomodes)
install(DIRECTORY results/schema DESTINATION share/doc/iomodes)

if(IOMODES_HARNESS)
	install(PROGRAMS packaging/systemd/iomodes-rotate DESTINATION lib/iomodes)
	# The units name their programs in full: by where they are installed, which is known then only.
	foreach(unit service timer)
		install(CODE "
			file(READ \"${CMAKE_SOURCE_DIR}/packaging/systemd/iomodes-nightly@.${unit}\" text)
			string(REPLACE \"=/usr/\" \"=\${CMAKE_INSTALL_PREFIX}/\" text \"\${text}\")
			file(WRITE \"${CMAKE_BINARY_DIR}/units/iomodes-nightly@.${unit}\" \"\${text}\")")
		install(FILES ${CMAKE_BINARY_DIR}/units/iomodes-nightly@.${unit}
			DESTINATION lib/systemd/system)
	endforeach()
endif()

# Manual pages: what the programs themselves say with --help, in the frame of docs/man/*.scd.
find_program(SCDOC scdoc)
if(SCDOC)
	file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)
	foreach(page ${programs})
		add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/man/${page}.1.gz
			COMMAND ${CMAKE_SOURCE_DIR}/docs/man/make.sh ${CMAKE_SOURCE_DIR}/docs/man/${page}.1.scd
				${CMAKE_BINARY_DIR}/bin ${SCDOC} ${CMAKE_BINARY_DIR}/man/${page}.1.gz
			DEPENDS docs/man/make.sh docs/man/${page}.1.scd ${programs} VERBATIM)
		list(APPEND pages ${CMAKE_BINARY_DIR}/man/${page}.1.gz)
	endforeach()
	add_custom_target(man ALL DEPENDS ${pages})
	install(FILES ${pages} DESTINATION share/man/man1)
else()
	message(STATUS "no scdoc: no manual pages are made, and a package would lack them")
endif()

# Who builds a package to give away puts his name here.
set(IOMODES_MAINTAINER "iomodes maintainers <maintainers@iomodes.invalid>" CACHE STRING
	"maintainer of the package: NAME <ADDRESS>")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME iomodes)
set(CPACK_PACKAGE_CONTACT "${IOMODES_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gnuplot-nox | gnuplot")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "fio, iperf3")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "measures and proves I/O modes of block devices and NICs")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Interrupt, polling, or something between: which is better for this device
and this load, by how much, at what CPU cost, and was it really in force?
iomodes switches the modes, measures them in randomized blocks, proves each
from kernel counters, puts the machine back as it was, and leaves results
that somebody else can check.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
	${CMAKE_SOURCE_DIR}/packaging/debian/postinst ${CMAKE_SOURCE_DIR}/packaging/debian/prerm
	${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
install(FILES packaging/debian/copyright DESTINATION share/doc/iomodes)
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/changelog.gz
	COMMAND sh -c "sed 's/@VERSION@/${PROJECT_VERSION}/; s/@MAINTAINER@/${IOMODES_MAINTAINER}/' '${CMAKE_SOURCE_DIR}/packaging/debian/changelog' | gzip -9n >'${CMAKE_BINARY_DIR}/changelog.gz'"
	DEPENDS packaging/debian/changelog VERBATIM)
add_custom_target(changelog ALL DEPENDS ${CMAKE_BINARY_DIR}/changelog.gz)
install(FILES ${CMAKE_BINARY_DIR}/changelog.gz DESTINATION share/doc/iomodes)
include(CPack)
