-- A proof finished through `lean-copilot serve` by Neovim's own language client, by the keys' functions.
--
--   nvim --headless -u NONE -i NONE -n -l …   is newer than Debian's Neovim; so:
--   nvim --headless -u NONE -i NONE -n -c 'luafile neovim_session.lua'
--
-- In the environment: SERVER, a JSON list of words that start it; FILE, the file; RESULT, where one JSON object
-- is written: the goal, the action's title, the text and what Lean said before and after.
local LIMIT = 240 * 1000

local function fail(why)
  io.stderr:write(why .. '\n')
  vim.cmd('cquit! 1')
end

local function wait(what, holds)
  if not vim.wait(LIMIT, holds, 50) then fail(what .. ' did not come') end
end

local function read_to_end(client, buffer)
  local params = { uri = vim.uri_from_bufnr(buffer), version = vim.lsp.util.buf_versions[buffer] }
  local answer = client.request_sync('textDocument/waitForDiagnostics', params, LIMIT, buffer)
  if not answer or answer.err then fail('no diagnostics: ' .. vim.inspect(answer)) end
  -- They were sent before the answer, and are taken in by the editor's loop.
  vim.wait(100)
  return vim.tbl_map(function(d) return d.message end, vim.diagnostic.get(buffer))
end

local function session()
  vim.cmd('edit ' .. vim.fn.fnameescape(vim.env.FILE))
  local buffer = vim.api.nvim_get_current_buf()
  vim.bo.filetype = 'lean'
  local id = vim.lsp.start_client({
    name = 'leanls',
    cmd = vim.json.decode(vim.env.SERVER),
    root_dir = vim.fn.fnamemodify(vim.env.FILE, ':h'),
    init_options = { editDelay = 10, hasWidgets = true },
  })
  if not id then fail('the client did not start') end
  vim.lsp.buf_attach_client(buffer, id)
  local client = vim.lsp.get_client_by_id(id)
  wait('the answer to `initialize`', function() return client.initialized end)
  wait('the opened document', function() return vim.lsp.buf_is_attached(buffer, id) end)
  local before = read_to_end(client, buffer)

  vim.fn.search('sorry', 'w')
  local position = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local goal = client.request_sync('$/lean/plainGoal', position, LIMIT, buffer)
  if not goal or not goal.result then fail('no goal: ' .. vim.inspect(goal)) end

  -- What a person does: asks for code actions, sees the menu, takes one. The menu is answered here.
  local title
  vim.ui.select = function(items, _, choose)
    for _, item in ipairs(items) do
      local action = item[2] or item.action
      local ours = type(action.data) == 'table' and action.data.leanCopilot
      if ours and action.title:find('completes', 1, true) then
        title = action.title
        return choose(item)
      end
    end
    choose(nil)
  end
  local text = function() return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n') .. '\n' end
  local notify = vim.notify
  vim.notify = function() end                              -- "No code actions available", while there are none
  local original, asked = text(), 0
  wait('an action of ours', function()
    if text() ~= original then return true end
    if vim.loop.now() - asked > 1000 then
      asked = vim.loop.now()
      vim.lsp.buf.code_action()
    end
    return false
  end)
  vim.notify = notify
  local after = read_to_end(client, buffer)
  local result = { goal = goal.result.goals[1], title = title, text = text(), before = before, after = after }
  local out = assert(io.open(vim.env.RESULT, 'w'))
  out:write(vim.json.encode(result))
  out:close()
  vim.lsp.stop_client(id)
  wait('the end of the server', function() return client.is_stopped() end)
end

local ok, why = xpcall(session, debug.traceback)
if not ok then fail(why) end
vim.cmd('qall!')
