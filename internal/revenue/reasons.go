package revenue

import (
	"redress/internal/fault"
	"redress/internal/lang"
)

// reason is why a row is refused: a stable code and its wording, which takes
// the same arguments in both languages.
type reason struct{ code, en, ko string }

// The reasons for refusing one row.
var (
	timeMissing = reason{"time_missing",
		"the row has no time; write one such as 2022-10-15 15:30",
		"시각이 비어 있습니다. 2022-10-15 15:30처럼 적어 주세요"}
	timeUnreadable = reason{"time_unreadable",
		"%q is not a time between 1990 and 2100 such as 2022-10-15 15:30",
		"%q은(는) 1990–2100년 사이의 시각이 아닙니다. 2022-10-15 15:30처럼 적어 주세요"}
	timeInFuture = reason{"time_in_future",
		"%s lies in the future; the latest time that can be is %s",
		"%s은(는) 미래입니다. 가장 늦은 시각은 %s입니다"}
	timeOffGrid = reason{"time_off_grid",
		"%s does not start a bucket of %d minutes; the one that holds it starts at %s",
		"%s은(는) %d분 구간의 시작이 아닙니다. 이 시각이 든 구간은 %s에 시작합니다"}
	timeOfDayMissing = reason{"time_of_day_missing",
		"the row has a date and no time of day; write one such as 2022-10-15 15:30",
		"날짜만 있고 시각이 없습니다. 2022-10-15 15:30처럼 적어 주세요"}
	timeRepeated = reason{"time_repeated",
		"%s was already given in line %d; write each bucket once",
		"%s은(는) %d행에 이미 있습니다. 구간마다 한 번만 적어 주세요"}
	endUnreadable = reason{"end_unreadable",
		"%q does not end a bucket; write a time after the start such as 2022-10-15 16:30, or leave the column out",
		"%q은(는) 구간의 끝이 아닙니다. 시작보다 뒤의 시각을 2022-10-15 16:30처럼 적거나 이 열을 빼 주세요"}
	endDiffers = reason{"end_differs",
		"the row lasts %d minutes in a file of buckets of %d minutes",
		"%[2]d분 구간 파일에 %[1]d분짜리 행이 있습니다"}
	amountUnreadable = reason{"amount_unreadable",
		"%q is not an amount in %s such as 12000, 12,000 or (1,000) for a refund; leave it empty where it is not known",
		"%q은(는) %s 금액이 아닙니다. 12000, 12,000 또는 환불이면 (1,000)처럼 적고, 모르면 비워 두세요"}
	amountMissing = reason{"amount_missing",
		"a transaction has no amount; write one such as 12000",
		"거래에 금액이 없습니다. 12000처럼 적어 주세요"}
	amountTooLarge = reason{"amount_too_large",
		"the bucket of %s adds up to more than can be kept",
		"%s 구간의 합계가 다룰 수 있는 금액을 넘습니다"}
	countUnreadable = reason{"count_unreadable",
		"%q is not a count such as 3; write a whole number from 0 to 2147483647, or leave it empty",
		"%q은(는) 건수가 아닙니다. 0–2147483647의 정수를 적거나 비워 두세요"}
	stateUnknown = reason{"state_unknown",
		"the state is not one a bucket can have; write open, closed or missing",
		"구간의 상태로 쓸 수 없는 말입니다. 영업, 휴무, 결측 가운데 하나를 적어 주세요"}
	stateConflicts = reason{"state_conflicts",
		"the row has an amount or a count and is marked %s; only an open bucket has them",
		"%s(으)로 표시된 행에 금액이나 건수가 있습니다. 금액과 건수는 영업 중인 구간에만 있습니다"}
	cellsMissing = reason{"cells_missing",
		"the row has %d cells and the file's columns reach to cell %d: it is cut off; keep the delimiters of empty cells",
		"칸이 %d개뿐인 행입니다. 이 파일의 열은 %d번째 칸까지 있습니다. 행이 잘렸습니다. 빈 칸의 구분자도 남겨 주세요"}
	quotesUnreadable = reason{"quotes_unreadable",
		"a quotation mark is out of place; double it inside a quoted cell",
		"따옴표가 잘못 놓였습니다. 따옴표로 감싼 칸 안에서는 두 번 적어 주세요"}
	jsonUnreadable = reason{"json_unreadable",
		"the line is not one JSON object such as {\"start\":\"2022-10-15T15:00\",\"amount\":12000}",
		"{\"start\":\"2022-10-15T15:00\",\"amount\":12000} 같은 JSON 객체 하나가 아닙니다"}
	fieldUnknown = reason{"field_unknown",
		"%q is not a field of a bucket; start, end, amount, count and state are",
		"%q은(는) 구간의 항목이 아닙니다. start, end, amount, count, state만 쓸 수 있습니다"}
	fieldRepeated = reason{"field_repeated",
		"the field %q is there twice; write it once",
		"%q 항목이 두 번 있습니다. 한 번만 적어 주세요"}
	fieldType = reason{"field_type",
		"%s is not %s",
		"%s은(는) %s 아닙니다"}
)

// States as stateConflicts names them.
var stateWords = map[mark]lang.Text{
	markClosed:  lang.T("closed", "휴무"),
	markMissing: lang.T("missing", "결측"),
}

// What a JSON field must be, as fieldType says it.
var (
	aString = lang.T("a string", "문자열이")
	anInt   = lang.T("a whole number of minor units, without fraction or exponent, within ±9007199254740991",
		"±9007199254740991 안의, 소수점과 지수가 없는 최소 화폐 단위 정수가")
	aCount = lang.T("a whole number from 0 to 2147483647", "0–2147483647의 정수가")
)

func lineTooLong(line int) error {
	return fault.New(fault.Malformed, "line_too_long",
		"Line %d is longer than a megabyte; end each row with a line break.",
		"%d행이 1메가바이트보다 깁니다. 행마다 줄바꿈을 넣어 주세요.", line)
}

func binaryFile(line int) error {
	return fault.New(fault.Malformed, "binary_file",
		"Line %d holds bytes that are not text; send the export as CSV or XLSX.",
		"%d행에 글자가 아닌 바이트가 있습니다. CSV나 XLSX로 내보내 주세요.", line)
}

func mixedEncoding(line int, encoding string) error {
	return fault.New(fault.Malformed, "encoding_mixed",
		"Line %d is not %s as the text before it is; save the whole file as UTF-8.",
		"%d행이 앞부분과 달리 %s이(가) 아닙니다. 파일 전체를 UTF-8로 저장해 주세요.", line, encoding)
}

func emptyFile() error {
	return fault.New(fault.Malformed, "empty_file",
		"The file is empty; send one row for each bucket or sale.",
		"파일이 비어 있습니다. 구간이나 거래마다 한 행씩 보내 주세요.")
}

func noRows() error {
	return fault.New(fault.Malformed, "no_rows",
		"The file has no rows with data; send one row for each bucket or sale.",
		"데이터가 있는 행이 없습니다. 구간이나 거래마다 한 행씩 보내 주세요.")
}

func tooManyRows(limit int) error {
	return fault.New(fault.TooLarge, "too_many_rows",
		"The file has more than %d rows; send fewer, or larger buckets.",
		"행이 %d개를 넘습니다. 나누어 보내거나 구간을 크게 하세요.", limit)
}

func fileTooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "file_too_large",
		"The file holds more than %d bytes once unpacked; send it in parts.",
		"압축을 푼 파일이 %d바이트를 넘습니다. 나누어 보내 주세요.", limit)
}

func noTimeColumn(seen string) error {
	return fault.New(fault.Invalid, "no_time_column",
		"No column holds times. Columns seen: %s. Name one 일시 or start, or say which it is.",
		"시각이 든 열을 찾지 못했습니다. 읽은 열: %s. 열 이름을 일시나 start로 하거나 어느 열인지 알려 주세요.", seen)
}

func noAmountColumn(seen string) error {
	return fault.New(fault.Invalid, "no_amount_column",
		"No column holds amounts. Columns seen: %s. Name one 금액 or amount, or say which it is.",
		"금액이 든 열을 찾지 못했습니다. 읽은 열: %s. 열 이름을 금액이나 amount로 하거나 어느 열인지 알려 주세요.", seen)
}

func columnNotFound(column, seen string) error {
	return fault.New(fault.Invalid, "column_not_found",
		"There is no column %q. Columns seen: %s.",
		"%q 열이 없습니다. 읽은 열: %s.", column, seen)
}

func sheetNotFound(sheet, seen string) error {
	return fault.New(fault.Invalid, "sheet_not_found",
		"There is no sheet %q. Sheets seen: %s.",
		"%q 시트가 없습니다. 읽은 시트: %s.", sheet, seen)
}

func notXLSX() *fault.Error {
	return fault.New(fault.Malformed, "not_xlsx",
		"The file is not an XLSX workbook; save it as .xlsx without a password, or as CSV.",
		"XLSX 파일이 아닙니다. 암호 없이 .xlsx로, 또는 CSV로 저장해 주세요.")
}

func xlsxDamaged() *fault.Error {
	return fault.New(fault.Malformed, "xlsx_damaged",
		"The XLSX workbook is cut short or damaged; save it again and send it whole.",
		"XLSX 파일이 잘렸거나 손상되었습니다. 다시 저장해서 보내 주세요.")
}

func malformedJSON() *fault.Error {
	return fault.New(fault.Malformed, "malformed_json",
		"The file is not a JSON array of objects, nor an object with \"buckets\".",
		"JSON 객체 배열도, \"buckets\"가 든 객체도 아닙니다.")
}

func spanTooLong(s Span) error {
	return fault.New(fault.Invalid, "span_too_long",
		"The rows run from %s to %s, which is longer than is kept; look for a slip in a year.",
		"행이 %s부터 %s까지로, 보관하는 기간보다 깁니다. 연도가 잘못된 행이 있는지 보세요.", s.Start, s.End)
}

func mixedLengths(a, b int) error {
	return fault.New(fault.Invalid, "mixed_bucket_lengths",
		"The file mixes buckets of %d and of %d minutes; send each in a file of its own.",
		"%d분 구간과 %d분 구간이 섞여 있습니다. 파일을 나누어 보내 주세요.", a, b)
}

func fileRepeated(rows, times int) error {
	return fault.New(fault.Invalid, "file_repeated",
		"The file holds the same %d rows %d times over; send them once.", "같은 %d행이 %d번 되풀이됩니다. 한 번만 보내 주세요.", rows, times)
}

func lengthDiffers(seen, stated int) error {
	return fault.New(fault.Invalid, "bucket_length_differs",
		"The rows follow each other by %d minutes, not by the %d stated; state the length they have.",
		"행의 간격이 밝힌 %[2]d분이 아니라 %[1]d분입니다. 실제 구간 길이를 알려 주세요.", seen, stated)
}

func unknownLength(minutes int) error {
	return fault.New(fault.Invalid, "bucket_length_unknown",
		"Buckets of %d minutes are not kept; 15, 30, 60 or 1440 are.",
		"%d분 구간은 다루지 않습니다. 15, 30, 60, 1440분만 됩니다.", minutes)
}

func totalTooLarge() error {
	return fault.New(fault.Invalid, "total_too_large",
		"The amounts or the counts together are more than can be kept; look for a slip in one.",
		"금액이나 건수의 합계가 다룰 수 있는 범위를 넘습니다. 잘못 적힌 값이 있는지 보세요.")
}

// rowsRefused carries the row problems as fields.
func rowsRefused(refused, read int, problems []Problem) error {
	e := fault.New(fault.Invalid, "rows_refused",
		"%d of %d rows cannot be read, more than half; errors names the first of them.",
		"%[2]d행 가운데 절반이 넘는 %[1]d행을 읽을 수 없습니다. errors에 처음 것들이 적혀 있습니다.", refused, read)
	for _, p := range problems {
		e.Fields = append(e.Fields, p.field())
	}
	return e
}
