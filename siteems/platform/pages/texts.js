// All texts of the page in its languages. A test makes sure that every key has both.
export const TEXTS = {
  en: {
    skip: "Skip to content", now: "Now", today: "Today", alarms: "Alarms", events: "Events", devices: "Devices", history: "History",
    readonly: "This page changes nothing.", dark: "Dark", light: "Light",
    grid: "Grid", pv: "PV", battery: "Battery", telecom: "Telecom load", air: "Air conditioner, AC load", genset: "Genset", bus: "Site",
    flow: "Power flow", why: "What the battery does, and why", charging: "charges", discharging: "discharges", resting: "rests",
    unknown: "unknown", soc: "State of charge", reserve: "reserve", lasts: "would carry the telecom load for",
    kept: "The backup promise is kept.", short: "Below the backup reserve.", promise: "promised", hours: "h",
    price: "Price", until: "From", none: "none", mains: "Mains failed", event: "Event in force", noevent: "No event in force.",
    live: "live", asof: "as of", stopped: "The daemon is not running. Values are those of its last sample.",
    late: "No new sample has arrived. Values are old.", never: "Nothing has been recorded yet.",
    load: "Load", planned: "planned", power: "Power, kW", percent: "State of charge, %", money: "Price per kWh", day: "Day",
    state: "State", since: "Since", what: "What", remedy: "What to do", raised: "raised", acknowledged: "acknowledged",
    cleared: "cleared", standing: "Standing", over: "Cleared in the last 90 days", noalarms: "No alarm stands.",
    when: "When", asks: "Asks for", from: "From", to: "To", optedout: "opted out", cancelled: "cancelled", test: "test",
    noevents: "No events in the last 30 days.", device: "Device", writes: "Writes today", link: "Link", requests: "Requests",
    troubles: "Troubles", nodevices: "Nothing is known of the devices yet.", value: "Value", age: "Age", measured: "Measured values",
    columns: "Columns", every: "Interval", show: "Show", csv: "Download CSV", norows: "No samples in this span.",
    trouble: "No answer", peak: "Month's peak", plan: "Plan", issued: "issued",
  },
  zh: {
    skip: "跳到内容", now: "实时", today: "今日", alarms: "告警", events: "需求响应", devices: "设备", history: "历史",
    readonly: "本页面只读，不下发任何指令。", dark: "深色", light: "浅色",
    grid: "市电", pv: "光伏", battery: "电池", telecom: "通信负载", air: "空调及交流负载", genset: "油机", bus: "站点",
    flow: "功率流", why: "电池状态及原因", charging: "充电", discharging: "放电", resting: "静置",
    unknown: "未知", soc: "荷电状态", reserve: "备电储备", lasts: "可支撑通信负载",
    kept: "备电承诺已满足。", short: "低于备电储备。", promise: "承诺", hours: "小时",
    price: "电价", until: "自", none: "无", mains: "市电中断", event: "正在执行的事件", noevent: "当前没有事件。",
    live: "实时", asof: "截至", stopped: "守护进程未运行，显示的是最后一次采样。",
    late: "没有新的采样，数值已过时。", never: "尚无记录。",
    load: "负载", planned: "计划", power: "功率，kW", percent: "荷电状态，%", money: "每千瓦时电价", day: "日期",
    state: "状态", since: "开始时间", what: "内容", remedy: "处理办法", raised: "未确认", acknowledged: "已确认",
    cleared: "已恢复", standing: "当前告警", over: "近90天已恢复", noalarms: "当前没有告警。",
    when: "时间", asks: "要求", from: "起", to: "止", optedout: "已退出", cancelled: "已取消", test: "测试",
    noevents: "近30天没有事件。", device: "设备", writes: "今日写入次数", link: "链路", requests: "请求数",
    troubles: "故障计数", nodevices: "尚无设备信息。", value: "数值", age: "数据时效", measured: "测量值",
    columns: "列", every: "间隔", show: "显示", csv: "下载 CSV", norows: "该时段没有采样。",
    trouble: "无应答", peak: "本月最大需量", plan: "计划", issued: "生成于",
  },
};
const saved = localStorage.getItem("language");
let language = saved || (navigator.language.startsWith("zh") ? "zh" : "en");
export const current = () => language;
export const text = (key) => TEXTS[language][key];
export function choose(next) {
  language = next;
  localStorage.setItem("language", next);
}
