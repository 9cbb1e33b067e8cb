import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number;
  readonly show?: (row: Row) => ComponentChildren;
}

interface TableProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  /** Index of the column sorted by at first; numbers start with the largest. */
  readonly sortBy?: number;
  readonly limit?: number;
  readonly filter?: boolean;
}

const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? b - a : String(a).localeCompare(String(b));

/** Sortable by click on a heading, filterable by text; `/` moves the focus to the filter. */
export function Table<Row>({ columns, rows, rowKey, sortBy = 0, limit, filter }: TableProps<Row>) {
  const order = useSignal({ column: sortBy, reverse: false });
  const words = useSignal('');
  const column = columns[order.value.column];
  const found = rows.filter(row =>
    columns.some(({ value }) => String(value(row)).toLowerCase().includes(words.value.toLowerCase())),
  );
  const sorted =
    column === undefined ? found : [...found].sort((a, b) => compare(column.value(a), column.value(b)));
  if (order.value.reverse) sorted.reverse();
  const shown = limit === undefined ? sorted : sorted.slice(0, limit);
  const sort = (index: number) => {
    order.value = { column: index, reverse: index === order.value.column && !order.value.reverse };
  };
  const isNumber = (index: number) =>
    rows.length > 0 && typeof columns[index]?.value(rows[0] as Row) === 'number';
  return (
    <div class="scroll">
      {filter && (
        <input
          type="search"
          placeholder="filter (/)"
          aria-label="filter"
          onInput={event => (words.value = event.currentTarget.value)}
        />
      )}
      <table>
        <thead>
          <tr>
            {columns.map(({ title }, index) => (
              <th key={title} class={isNumber(index) ? 'number' : ''}>
                <button type="button" onClick={() => sort(index)}>
                  {title} {index === order.value.column ? (order.value.reverse ? '▴' : '▾') : ''}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(row => (
            <tr key={rowKey(row)}>
              {columns.map(({ title, value, show }) => (
                <td key={title} class={typeof value(row) === 'number' ? 'number' : ''}>
                  {show ? show(row) : value(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < found.length && <p class="quiet">{found.length - shown.length} more</p>}
    </div>
  );
}
