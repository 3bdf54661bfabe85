/* SPDX-License-Identifier: Apache-2.0 */
/* Records that pass every check, of each kind of workload, with ' for "; include cmocka.h before.
 */
#pragma once
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonio.h"

static const char conforming[] =
	"{'trial':'t1','status':'valid','load':{'engine':'io_uring','iodepth':16,'numjobs':1,"
	"'bs':4096,'rate_iops':null,'open_loop':false,'runtime_ns':1000000000},"
	"'placement':{'cpus':'0-1'},'counts':{'io':160000,'bytes':655360000},"
	"'metrics':{'iops':160000,'latency_mean_ns':100000,'latency_p50_ns':98000,"
	"'latency_p99_ns':200000,'latency_max_ns':400000,'cpu_ns_per_io_task':5600},"
	"'latency':{'count':160000},'evidence':{'counters':{'device_interrupts':150000,"
	"'device_ios':160000,'task_cpu_ns':900000000,'cpu_busy_ns':950000000,'steal_ns':0},"
	"'counts':{'io':160000},'detail':{'cpu':{'resolution_ns':10000000,'cpus':["
	"{'cpu':0,'irq_ns':10000000,'softirq_ns':30000000},{'cpu':1,'softirq_ns':0}]}},"
	"'absent':{},'window_ns':1010000000},'timing':{'measured_ns':1000000000},"
	"'host':{'hypervisor':null,'throttle_events':0,"
	"'clock_source':{'before':'tsc','after':'tsc'},'affinity':{'vectors':2,'changed':[]},"
	"'kernel_log':{'lines':[{'level':6,'text':'sda: something'}]},'smart':{'nvme0':{"
	"'before':{'thermal_1_transitions':7},'after':{'temperature_c':41,'critical_warning':0,"
	"'thermal_1_transitions':7,'warning_temperature_min':0}}},'absent':{}}}";
/* fio: no in-flight counter, a loop with work of its own between I/Os, latencies in parts */
static const char fio[] =
	"{'trial':'t4','status':'valid','workload':'fio','load':{'engine':'io_uring','iodepth':1,"
	"'numjobs':1,'bs':4096,'rate_iops':null,'open_loop':false,'runtime_ns':1000000000},"
	"'placement':{'cpus':'0'},'counts':{'io':8000,'bytes':32768000},'metrics':{'iops':8000,"
	"'latency_mean_ns':100000,'latency_p50_ns':98000,'latency_max_ns':400000},"
	"'latency':{'count':8000,'sum_ns':800000000},'clat':{'mean_ns':98500},"
	"'slat':{'mean_ns':1500},'evidence':{'counters':{'device_ios':8000},'absent':{},"
	"'window_ns':1010000000},'timing':{'measured_ns':1000000000}}";
static const char net[] =
	"{'trial':'t5','status':'valid','workload':'netloop','load':{'pattern':'rr','protocol':"
	"'udp','request_bytes':64,'response_bytes':64,'depth':4,'flows':2,'open_loop':0,"
	"'rate_per_s':null,'runtime_ns':1000000000},'placement':{'cpus':'0-1'},"
	"'counts':{'transaction':80000,'sent':80003,'lost':1,'unanswered':2},"
	"'metrics':{'transactions_per_s':80000,'rtt_min_ns':20000,'rtt_mean_ns':100000,"
	"'rtt_p50_ns':98000,'rtt_p99_ns':200000,'rtt_max_ns':400000,"
	"'cpu_ns_per_transaction_task':10000},'latency':{'count':80000},"
	"'evidence':{'counters':{'device_interrupts':150000,'net_drops':0,'net_link_changes':0},"
	"'counts':{'transaction':80000,'packet':160000},'absent':{},'window_ns':1010000000},"
	"'timing':{'measured_ns':1000000000}}";
static const char net_open[] =
	"{'trial':'t6','status':'valid','workload':'netloop','load':{'pattern':'rr','protocol':"
	"'udp','depth':64,'flows':1,'open_loop':1,'rate_per_s':5000,'runtime_ns':1000000000},"
	"'placement':{'cpus':'0-1'},'counts':{'transaction':5000,'arrivals':5003,"
	"'never_started':0},'workload_report':{'open_loop':{'late_starts':50}},"
	"'metrics':{'transactions_per_s':5000,'in_flight_mean':0.5,'rtt_p50_ns':130000,"
	"'service_p50_ns':98000,'service_mean_ns':100000},'latency':{'count':5003},'evidence':{'"
	"counters':{},"
	"'counts':{'transaction':5003},'absent':{}},'timing':{'measured_ns':1000000000}}";
static const char stream[] =
	"{'trial':'t7','status':'valid','workload':'iperf3','load':{'pattern':'stream',"
	"'protocol':'tcp'},'counts':{'byte':1000000000},'metrics':{'throughput_bytes_per_s':"
	"1000000000},'evidence':{'counters':{},'absent':{}},'timing':{'measured_ns':"
	"1000000000}}";
/* fio's latencies of an open loop begin at the submission; its evidence holds the warm-up, too */
static const char fio_open[] =
	"{'trial':'t8','status':'valid','workload':'fio','load':{'engine':'io_uring','iodepth':64,"
	"'numjobs':1,'bs':4096,'rate_iops':2000,'open_loop':true,'runtime_ns':1000000000},"
	"'counts':{'io':2000,'bytes':8192000},'service':{'count':2000,'sum_ns':200000000},"
	"'clat':{'mean_ns':98500},'slat':{'mean_ns':1500},'metrics':{'iops':2000,"
	"'service_mean_ns':100000},'evidence':{'counters':{'device_ios':2400},'absent':{},"
	"'counts':{'io':2400}},'timing':{'measured_ns':1000000000}}";
/* A user's job file: 700 reads and 300 writes a second were asked for */
static const char fio_rates[] =
	"{'trial':'t9','status':'valid','workload':'fio','load':{'engine':'io_uring','iodepth':4,"
	"'numjobs':1,'bs':4096,'rate_iops':1000,'rates':{'read':700,'write':300},'open_loop':true,"
	"'rate_process':'constant','runtime_ns':1000000000},'counts':{'io':1000,'bytes':4096000},"
	"'service':{'count':1000},'metrics':{'iops':1000,'service_mean_ns':100000},"
	"'workload_report':{'directions':{'read':{'iops':700},'write':{'iops':300}}},"
	"'evidence':{'counters':{},'absent':{},'counts':{'io':1000}},"
	"'timing':{'measured_ns':1000000000}}";
static const char open_loop[] =
	"{'trial':'t2','status':'valid','load':{'engine':'io_uring','iodepth':64,'numjobs':1,"
	"'bs':4096,'rate_iops':2000,'open_loop':true,'runtime_ns':1000000000},"
	"'placement':{'cpus':'0'},'counts':{'io':2000,'bytes':8192000,"
	"'arrivals':2003,'never_started':0},'latency':{'count':2003},"
	"'workload_report':{'open_loop':{'late_starts':0}},'metrics':{'iops':2000,"
	"'latency_p50_ns':98000,'service_p50_ns':97000,"
	"'service_mean_ns':100000,'in_flight_mean':0.2},'evidence':{'counters':{},'counts':{'io':"
	"2003},"
	"'absent':{'device_ios':'iostats is off'}},'timing':{'measured_ns':1000000000}}";

static inline json_t *load(const char *text)
{
	_free_ char *copy = strdup(text);
	json_t *j;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	j = json_loads(copy, JSON_DECODE_ANY, NULL);
	assert_non_null(j);
	return j;
}

static inline const char *result_of(const json_t *checks, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach (checks, i, one)
		if (!strcmp(jsonio_string(one, "id", ""), id)) {
			assert_true(jsonio_string(one, "sentence", "")[0] != '\0');
			return jsonio_string(one, "result", "?");
		}
	return "no such check";
}
